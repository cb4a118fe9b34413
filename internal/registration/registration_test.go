package registration

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/client/api"
	"github.com/health-exporter/health_exporter/prober"
)

// notSaid are the fields of a target that no registration can have.
var notSaid = map[string]string{
	"paused":        "pausing is a request of its own",
	"source":        "it is the API",
	"owner":         "it is who asks",
	"from":          "it is where the request came from",
	"registered_at": "it is when the request came",
	"-":             "whom to mail is the operator's to say",
}

// TestEveryField of a target can be registered, with the exceptions above, and a
// registration has no field that no target has.
func TestEveryField(t *testing.T) {
	said := map[string]bool{}
	for _, p := range pairs() {
		said[p.name] = true
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[prober.Target]()) {
		name := jsonName(f)
		if _, excused := notSaid[name]; said[name] == excused {
			t.Errorf("the field %s of a target: registered %v, an exception %v", f.Name, said[name], excused)
		}
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[api.Registration]()) {
		if !said[jsonName(f)] {
			t.Errorf("a registration has the field %s, a target has not", f.Name)
		}
		if f.Tag.Get("help") == "" {
			t.Errorf("the field %s of a registration has no help", f.Name)
		}
	}
}

// full has every field that can be registered, none as it is by default.
func full() prober.Target {
	return prober.Target{
		App: "nas", URL: "http://10.0.0.9", Address: "10.0.0.9:80", Module: "http_2xx", Email: "me@example.org", Group: "home",
		Labels: map[string]string{"room": "attic"}, DependsOn: []string{"router"}, Interval: 7 * time.Second, Timeout: 3 * time.Second,
		InitialDelay: new(time.Duration), Unhealthy: 4, Healthy: 5, DegradedAfter: 3, FastStart: true,
		StatusCodes: prober.StatusCodes{{First: 200, Last: 200}, {First: 400, Last: 499}}, TTL: time.Minute,
	}
}

// TestThereAndBack, through JSON.
func TestThereAndBack(t *testing.T) {
	bare := prober.NewTarget()
	bare.App = "a"
	for _, want := range []prober.Target{full(), bare} {
		text, err := json.Marshal(Of(&want))
		if err != nil {
			t.Fatal(err)
		}
		r, faults, err := Parse(text)
		if err != nil || len(faults) > 0 {
			t.Fatalf("%s: %v %v", text, err, faults)
		}
		got, faults := Target(&r)
		if diff := cmp.Diff(want, got); diff != "" || len(faults) > 0 {
			t.Errorf("%s: %v\n%s", text, faults, diff)
		}
	}
	v, filled := reflect.ValueOf(full()), 0
	for _, p := range pairs() {
		if !v.Field(p.field).IsZero() {
			filled++
		}
	}
	if filled != len(pairs()) {
		t.Errorf("the test fills %d of %d fields", filled, len(pairs()))
	}
}

func TestFaults(t *testing.T) {
	for body, want := range map[string]string{
		`{"interval": 5.5}`:                     "interval: must be a whole number of seconds",
		`{"initial_delay": 0.5}`:                "initial_delay: must be a whole number of seconds",
		`{"ttl": 0}`:                            "ttl: must be between 30 and 86400, not 0; leave it out for a registration that never expires",
		`{"valid_status_codes": [200, "1000"]}`: `valid_status_codes[1]: "1000" is not a status code (200), class (2xx) or range (200-399) within 100 to 999`,
		`{"valid_status_codes": [true]}`:        `valid_status_codes: must be a list of at most 64 codes (200), classes ("2xx") and ranges ("200-399")`,
		`{"valid_status_codes": [200.5]}`:       `valid_status_codes[0]: "200.5" is not a status code (200), class (2xx) or range (200-399) within 100 to 999`,
		`{"appname": "a", "app": "b"}`:          "app: given twice, first as appname",
	} {
		r, faults, err := Parse([]byte(body))
		_, more := Target(&r)
		if faults = append(faults, more...); err != nil || len(faults) != 1 || faults[0].Error() != want {
			t.Errorf("%s: %v %v, want %s", body, err, faults, want)
		}
	}
}

// TestFarTooLong is refused later, by its range.
func TestFarTooLong(t *testing.T) {
	r, faults, err := Parse([]byte(`{"interval": 99999999999999999999, "timeout": -99999999999999999999}`))
	target, more := Target(&r)
	if err != nil || len(faults)+len(more) > 0 || target.Interval < 24*time.Hour || target.Timeout > 0 {
		t.Errorf("%v %v %v: %s, %s", err, faults, more, target.Interval, target.Timeout)
	}
}

func BenchmarkOf(b *testing.B) {
	t := full()
	b.ReportAllocs()
	for b.Loop() {
		Of(&t)
	}
}
