package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/internal/registration"
	"github.com/health-exporter/health_exporter/prober"
)

// TestRanges tries each bound of S1.8 to S1.11, and one beyond it.
func TestRanges(t *testing.T) {
	f := newFixture(t)
	for field, bounds := range map[string][2]int{
		"timeout": {2, 60}, "interval": {5, 300}, "unhealthy": {2, 10}, "healthy": {2, 10}, "initial_delay": {0, 300},
	} {
		for _, test := range []struct{ value, status int }{
			{bounds[0], 200}, {bounds[1], 200}, {bounds[0] - 1, 400}, {bounds[1] + 1, 400},
		} {
			body, _ := json.Marshal(map[string]any{"app": "a", "url": "http://10.0.0.1", field: test.value})
			w := f.do("POST", "/api/v1/targets", string(body))
			if w.Code != test.status && !(test.status == 200 && w.Code == 201) {
				t.Errorf("%s %d: status %d, want %d", field, test.value, w.Code, test.status)
			}
			if test.status == 400 && !strings.Contains(w.Body.String(), `"field":"`+field+`"`) {
				t.Errorf("%s %d: %s", field, test.value, w.Body)
			}
		}
	}
}

func TestBadBodies(t *testing.T) {
	f := newFixture(t)
	for _, test := range []struct {
		name, body string
		status     int
		header     []string
	}{
		{"no JSON", "{", 400, nil},
		{"a list", "[]", 400, nil},
		{"two objects", "{}{}", 400, nil},
		{"form", "app=x", 415, []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{"no type", nas, 415, []string{"Content-Type", ""}},
		{"charset", nas, 201, []string{"Content-Type", "application/json; charset=utf-8"}},
		{"too large", `{"app": "` + strings.Repeat("x", 65<<10) + `"}`, 413, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if w := f.do("POST", "/api/v1/targets", test.body, test.header...); w.Code != test.status {
				t.Errorf("status %d, want %d: %s", w.Code, test.status, w.Body)
			}
		})
	}
	f.expect(http.StatusBadRequest, f.do("PUT", "/api/v1/targets/other", nas))
}

func TestEmailOutsideTheAllowList(t *testing.T) {
	f := newFixture(t)
	got := f.expect(http.StatusCreated, f.do("POST", "/api/v1/targets", `{"app": "a", "url": "http://10.0.0.1", "email": "x@evil.test"}`))
	if !strings.Contains(toText(got["warnings"]), "registration.allowed_emails") || got["email"] != "x@evil.test" {
		t.Errorf("%v", got)
	}
}

func FuzzRegistration(f *testing.F) {
	f.Add([]byte(nas))
	f.Add([]byte(shop))
	f.Add([]byte(`{"app": "a", "interval": 5.5, "labels": {"a": "b"}, "valid_status_codes": [200, "2xx"]}`))
	kindOf := func(string) (prober.Kind, bool) { return "health", true }
	f.Fuzz(func(t *testing.T, body []byte) {
		said, faults, err := registration.Parse(body)
		if err != nil || len(faults) > 0 {
			return
		}
		target, faults := registration.Target(&said)
		if len(faults) > 0 {
			return
		}
		if len(target.Validate(prober.RegistrationLimits(), kindOf)) > 0 {
			return
		}
		if target.App == "" || target.URL == "" || target.Interval < 5*time.Second || target.Timeout > time.Minute ||
			target.TTL != 0 && (target.TTL < 30*time.Second || target.TTL > 24*time.Hour) {
			t.Fatalf("accepted %+v", target)
		}
	})
}
