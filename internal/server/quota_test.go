package server

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/health-exporter/health_exporter/prober"
)

// TestQuotasWithoutToken bind who comes without a token from another host, and nobody else;
// what is stored stays, and can be registered again.
func TestQuotasWithoutToken(t *testing.T) {
	f := newFixture(t)
	rules := &f.settings.Registration
	rules.MaxTargets, rules.MaxTargetsPerOwner, rules.MaxTargetsPerAddress = 9, 9, 3
	put := func(from, app, token string, want int) {
		t.Helper()
		f.from = from
		body := fmt.Sprintf(`{"app": %q, "url": "http://10.0.0.1"}`, app)
		if w := f.do("POST", "/api/v1/targets", body, authorized(token)...); w.Code != want {
			t.Errorf("%s from %s: %d, want %d: %s", app, from, w.Code, want, w.Body)
		}
	}
	const a, b, here, far = "10.0.0.1:5", "10.0.0.2:5", "127.0.0.1:5", "192.0.2.7:5"
	for i, want := range []int{201, 201, 201, 429} {
		put(a, fmt.Sprintf("a%d", i), "", want)
	}
	put(a, "a0", "", 200)
	for i, want := range []int{201, 201, 429} { // half of nine, rounded up
		put(b, fmt.Sprintf("b%d", i), "", want)
	}
	put(far, "f0", "Bearer secret-x", 201)
	put(a, "f1", "Bearer secret-x", 201)
	put(here, "h0", "", 201)
	rules.MaxTargets, rules.MaxTargetsPerAddress = 2, 1
	put(a, "a1", "", 200)
	put(here, "h1", "", 429)
	if n := len(f.registry.Targets()); n != 8 {
		t.Errorf("%d are stored", n)
	}
	rules.MaxTargets, rules.MaxTargetsPerAddress = 100, 0
	for i := range 10 {
		put(a, fmt.Sprintf("more%d", i), "", map[bool]int{true: 201, false: 429}[3+i < 9])
	}
}

// TestBrakeOnRegistrations is for who comes without a token from another host.
func TestBrakeOnRegistrations(t *testing.T) {
	f := newFixture(t)
	f.settings.Registration.Rate, f.settings.Registration.Burst = 0.001, 2
	for _, test := range []struct {
		from, token string
		third       int
	}{
		{"10.0.0.1:5", "", 429},
		{"127.0.0.1:5", "", 201},
		{"10.0.0.3:5", "Bearer secret-x", 201},
		{"192.0.2.7:5", "Bearer secret-y", 201},
		{"192.0.2.8:5", "", 401},
	} {
		f.from = test.from
		code, wait := 0, ""
		for i := range 3 {
			w := f.do("POST", "/api/v1/targets", fmt.Sprintf(`{"app": "%s %d", "url": "http://10.0.0.1"}`, test.from, i), authorized(test.token)...)
			code, wait = w.Code, w.Header().Get("Retry-After")
		}
		if code != test.third || (code == http.StatusTooManyRequests) != (wait == "1000") {
			t.Errorf("the third from %s with %q: %d, Retry-After %q", test.from, test.token, code, wait)
		}
	}
	f.from = "10.0.0.1:5"
	if w := f.do("PUT", "/api/v1/targets/x", `{"url": "http://10.0.0.1"}`); w.Code != http.StatusTooManyRequests {
		t.Errorf("PUT: %d", w.Code)
	}
	if w := f.do("GET", "/api/v1/targets", ""); w.Code != http.StatusOK {
		t.Errorf("GET: %d", w.Code)
	}
}

// TestRecordsOfBefore belong to who registers them again, from a network that may.
func TestRecordsOfBefore(t *testing.T) {
	f := newFixture(t)
	old := prober.NewTarget()
	old.App, old.URL, old.Source, old.Owner, old.From = "nas", "http://10.0.0.9:8080/base/", prober.SourceAPI, "anonymous", prober.FromElsewhere
	if _, err := f.registry.Put(old); err != nil {
		t.Fatal(err)
	}
	f.apply()
	f.from = "10.1.0.1:5"
	if w := f.do("POST", "/api/v1/targets/nas/pause", ""); w.Code != http.StatusForbidden {
		t.Errorf("it was paused: %d", w.Code)
	}
	f.expect(http.StatusOK, f.do("POST", "/api/v1/targets", nas))
	if got := f.expect(http.StatusOK, f.do("POST", "/api/v1/targets/nas/pause", "")); got["from"] != "10.1.0.1" {
		t.Errorf("it comes from %v", got["from"])
	}
	f.from = "10.1.0.2:5"
	if w := f.do("POST", "/api/v1/targets/nas/resume", ""); w.Code != http.StatusForbidden {
		t.Errorf("another has resumed it: %d", w.Code)
	}
}
