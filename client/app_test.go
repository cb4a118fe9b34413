package client

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/client/api"
)

// full has every field of an App.
func full() App {
	return App{
		Name: "shop", URL: "http://10.0.0.7", Address: "10.0.0.7:80", Email: "me@example.org", Interval: 7 * time.Second, Timeout: 3 * time.Second,
		Unhealthy: 4, Healthy: 5, DegradedAfter: 3, ValidStatusCodes: []string{"200", "4xx"}, InitialDelay: new(time.Duration), TTL: time.Minute,
		FastStart: true, Group: "home", Module: "http_2xx", Labels: map[string]string{"room": "attic"}, DependsOn: []string{"router"},
	}
}

// TestEveryField of a registration is one of an App, and is sent.
func TestEveryField(t *testing.T) {
	app := full()
	v := reflect.ValueOf(app)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("the test gives no value for the field %s", v.Type().Field(i).Name)
		}
	}
	sent := reflect.ValueOf(*app.registration())
	for i := range sent.NumField() {
		if sent.Field(i).IsZero() {
			t.Errorf("the field %s of a registration is not sent", sent.Type().Field(i).Name)
		}
	}
	got, err := json.Marshal(app.registration())
	want := `{"app":"shop","url":"http://10.0.0.7","address":"10.0.0.7:80","module":"http_2xx","email":"me@example.org","group":"home",` +
		`"labels":{"room":"attic"},"depends_on":["router"],"interval":7,"timeout":3,"initial_delay":0,"unhealthy":4,"healthy":5,"degraded_after":3,` +
		`"fast_start":true,"valid_status_codes":["200","4xx"],"ttl":60}`
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	bare := App{Name: "shop", URL: "http://10.0.0.7"}
	if diff := cmp.Diff(&api.Registration{App: "shop", URL: "http://10.0.0.7"}, bare.registration()); diff != "" {
		t.Errorf("an App that says nothing more:\n%s", diff)
	}
}

func TestValidateNewFields(t *testing.T) {
	for want, app := range map[string]App{
		"":                                {Name: "a", Address: "10.0.0.7:80"},
		"URL is required":                 {Name: "a"},
		"Address is \"x:1\", must not be": {Name: "a", URL: "http://x", Address: "x:1"},
		"DegradedAfter is 4, must be":     {Name: "a", URL: "http://x", Unhealthy: 4, DegradedAfter: 4},
		"DegradedAfter is -1, must be":    {Name: "a", URL: "http://x", DegradedAfter: -1},
		"ValidStatusCodes are 65":         {Name: "a", URL: "http://x", ValidStatusCodes: make([]string, 65)},
		"DependsOn are 11":                {Name: "a", URL: "http://x", DependsOn: make([]string, 11)},
	} {
		err := app.Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%+v: %v, want %q", app, err, want)
		}
	}
}

// TestStatusCodes may be numbers, too.
func TestStatusCodes(t *testing.T) {
	var r api.Registration
	if err := json.Unmarshal([]byte(`{"valid_status_codes": [200, "4xx", 500.5]}`), &r); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(api.StatusCodes{"200", "4xx", "500.5"}, r.ValidStatusCodes); diff != "" {
		t.Error(diff)
	}
}
