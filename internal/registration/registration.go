package registration

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/health-exporter/health_exporter/client/api"
	"github.com/health-exporter/health_exporter/internal/strictjson"
	"github.com/health-exporter/health_exporter/prober"
)

// older are the names that older clients send.
var older = map[string]string{
	"appname": "app", "emailAddr": "email", "unhealthy_threshold": "unhealthy", "healthy_threshold": "healthy",
}

// Parse reads a registration from JSON, strictly.
func Parse(body []byte) (r api.Registration, faults []*prober.FieldError, err error) {
	list, err := strictjson.Decode(body, &r, older)
	for _, f := range list {
		faults = append(faults, &prober.FieldError{Path: f.Field, Detail: f.Detail})
	}
	return r, faults, err
}

// CheckText says where JSON has a text that cannot be kept as it is.
func CheckText(body []byte) error { return strictjson.CheckText(body) }

// Target is the target that a registration describes, with the defaults where it says
// nothing. The faults are those that a target cannot have; Validate finds the others.
func Target(r *api.Registration) (t prober.Target, faults []*prober.FieldError) {
	t = prober.NewTarget()
	into := reflect.ValueOf(&t).Elem()
	eachPair(reflect.ValueOf(r).Elem(), into, func(name string, said, field reflect.Value) {
		if said.IsZero() {
			return
		}
		faults = append(faults, fill(name, field, reflect.Indirect(said))...)
	})
	if r.TTL != nil && *r.TTL == 0 { // it would look like a lease that ends at once
		limits := prober.RegistrationLimits()
		faults = append(faults, &prober.FieldError{Path: "ttl", Detail: fmt.Sprintf("must be between %d and %d, not 0; leave it out for a registration that never expires",
			int(limits.MinTTL.Seconds()), int(limits.MaxTTL.Seconds()))})
	}
	return t, faults
}

// fill puts what a registration says into a field of a target. It says what is wrong with
// the field of the name, and with each entry of a list.
func fill(name string, field, said reflect.Value) (faults []*prober.FieldError) {
	fault := func(path, detail string) {
		if detail != "" {
			faults = append(faults, &prober.FieldError{Path: path, Detail: detail})
		}
	}
	switch into := field.Addr().Interface().(type) {
	case *time.Duration:
		fault(name, fillDuration(into, said))
	case **time.Duration:
		*into = new(time.Duration)
		fault(name, fillDuration(*into, said))
	case *prober.StatusCodes:
		for i, text := range said.Interface().(api.StatusCodes) {
			r, err := prober.ParseStatusRange(text)
			if err != nil {
				fault(fmt.Sprintf("%s[%d]", name, i), err.Error())
				continue
			}
			*into = append(*into, r)
		}
	default:
		field.Set(said)
	}
	return faults
}

func fillDuration(into *time.Duration, said reflect.Value) string {
	s := said.Interface().(api.Seconds)
	*into = s.Duration()
	if *into%time.Second != 0 {
		return "must be " + s.Wanted()
	}
	return ""
}

// Of is the registration that would make the target. What a target does not have is left
// out.
func Of(t *prober.Target) (r api.Registration) {
	eachPair(reflect.ValueOf(&r).Elem(), reflect.ValueOf(t).Elem(), func(_ string, say, field reflect.Value) {
		if !field.IsZero() {
			tell(say, reflect.Indirect(field))
		}
	})
	return r
}

// tell puts a field of a target into that of a registration.
func tell(say, field reflect.Value) {
	switch has := field.Interface().(type) {
	case time.Duration:
		say.Set(reflect.ValueOf(api.NewSeconds(has)))
		return
	case prober.StatusCodes:
		codes := make(api.StatusCodes, len(has))
		for i, r := range has {
			codes[i] = r.String()
		}
		say.Set(reflect.ValueOf(codes))
		return
	}
	if say.Kind() == reflect.Pointer {
		say.Set(reflect.New(say.Type().Elem()))
		say = say.Elem()
	}
	say.Set(field)
}

// eachPair calls f for the fields that a registration and a target have both.
func eachPair(registration, target reflect.Value, f func(name string, said, field reflect.Value)) {
	for _, p := range pairs() {
		f(p.name, registration.Field(p.said), target.Field(p.field))
	}
}

// pair is where a field stands in a registration and in a target.
type pair struct {
	name        string
	said, field int
}

// pairs are all fields that both have, by their names in JSON.
var pairs = sync.OnceValue(func() (list []pair) {
	said, of := reflect.TypeFor[api.Registration](), reflect.TypeFor[prober.Target]()
	for i := range said.NumField() {
		for j := range of.NumField() {
			if name := jsonName(said.Field(i)); name == jsonName(of.Field(j)) {
				list = append(list, pair{name, i, j})
			}
		}
	}
	return list
})

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}
