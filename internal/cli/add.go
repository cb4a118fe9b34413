package cli

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/health-exporter/health_exporter/client/api"
	"github.com/health-exporter/health_exporter/prober"
)

// Add registers a target.
type Add struct {
	Exporter
	Terminal
	// Place is what to probe; Run makes it the registration's URL or address.
	Place string
	// Registration is what is asked for; what it leaves out is left to the exporter.
	Registration api.Registration
}

// Flags adds the arguments and flags of the command: one for each field of a registration.
// Those that may be given again are in the singular.
func (a *Add) Flags(command *kingpin.CmdClause) {
	command.Arg("name", "Name of the target.").Required().StringVar(&a.Registration.App)
	command.Arg("url", "What to probe: a URL, or an address for modules that take one.").Required().StringVar(&a.Place)
	fields := reflect.ValueOf(&a.Registration).Elem()
	for i := range fields.NumField() {
		f := fields.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "app" && name != "url" && name != "address" {
			addFlag(command, strings.ReplaceAll(name, "_", "-"), f.Tag.Get("help"), fields.Field(i))
		}
	}
}

func addFlag(command *kingpin.CmdClause, name, help string, field reflect.Value) {
	switch field.Kind() {
	case reflect.Map:
		field.Set(reflect.MakeMap(field.Type()))
		command.Flag(strings.TrimSuffix(name, "s"), help+" May be given again.").NoEnvar().PlaceHolder("NAME=VALUE").
			StringMapVar(field.Addr().Interface().(*map[string]string))
	case reflect.Slice:
		texts := field.Addr().Convert(reflect.TypeFor[*[]string]()).Interface().(*[]string)
		command.Flag(strings.TrimSuffix(name, "s"), help+" May be given again.").NoEnvar().StringsVar(texts)
	default:
		command.Flag(name, help).NoEnvar().SetValue(optional{field})
	}
}

// optional is the value of a flag for a field that may be left out.
type optional struct {
	field reflect.Value
}

// String is the value as it would be written; empty if it is left out.
func (o optional) String() string {
	switch v := o.field.Interface().(type) {
	case *api.Seconds:
		if v != nil {
			return v.Duration().String()
		}
		return ""
	case string:
		return v
	}
	if o.field.IsNil() {
		return ""
	}
	return fmt.Sprint(o.field.Elem().Interface())
}

// IsBoolFlag lets a flag for true or false stand alone.
func (o optional) IsBoolFlag() bool { return o.field.Type() == reflect.TypeFor[*bool]() }

// Set reads the value; the error says what is allowed.
func (o optional) Set(text string) error {
	var value any
	switch o.field.Interface().(type) {
	case *api.Seconds:
		var d time.Duration
		if err := (WholeSeconds{Into: &d}).Set(text); err != nil {
			return err
		}
		value = api.NewSeconds(d)
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("must be a whole number, not %q", text)
		}
		value = &n
	case *bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("must be true or false, not %q", text)
		}
		value = &b
	case *string:
		value = &text
	default:
		value = text
	}
	o.field.Set(reflect.ValueOf(value))
	return nil
}

// Run registers it, and passes on what the exporter warns of.
func (a *Add) Run(ctx context.Context) int {
	defer a.done()
	var added target
	if err := a.do(ctx, http.MethodPost, "api/v1/targets", a.placed(), &added); err != nil {
		return a.fail(err)
	}
	for _, w := range added.Warnings {
		fmt.Fprintf(a.Err, "health_exporter: warning: %s: %s\n", w.Field, printable(w.Detail))
	}
	if a.JSON {
		return a.writeJSON(added)
	}
	fmt.Fprintf(a.Out, "added %s: %s with module %s, every %s\n", printable(added.App), printable(added.Place()), added.Module, added.Interval.Duration())
	return ExitOK
}

// placed takes what has no scheme for an address, if a module is named: the default one
// needs a URL, and completes it.
func (a *Add) placed() api.Registration {
	r := a.Registration
	if r.Module != "" && r.Module != prober.DefaultModule && !strings.Contains(a.Place, "://") {
		r.Address = a.Place
	} else {
		r.URL = a.Place
	}
	return r
}
