package health

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
)

func TestHealthz(t *testing.T) { // S2
	var unready atomic.Bool
	c := closing(t, &Checker{},
		Check{Name: "live", Run: pass, Groups: []string{Live}},
		Check{Name: "db", FailTTL: -1, PassTTL: -1, Run: func(context.Context) error {
			if unready.Load() {
				return errors.New("the database is gone")
			}
			return nil
		}},
		Check{Name: "crash", Severity: Info, Run: func(context.Context) error { panic("secret") }})
	h := &Healthz{Checker: c, Details: Everyone}
	for _, test := range []struct {
		path    string
		unready bool
		h       *Healthz
		code    int
		body    string
	}{
		{"/healthz/live", false, h, 200, `{"status":200,"title":"OK"}`},                                                      // S2.3
		{"/any/prefix/db", true, h, 503, `{"status":503,"title":"the database is gone"}`},                                    // S2.4
		{"/healthz/nope", false, h, 404, `{"status":404,"title":"The nope check endpoint is not setup"}`},                    // S2.5
		{"/healthz/", false, h, 404, `{"status":404,"title":"The  check endpoint is not setup"}`},                            // S2.9
		{"/healthz/crash", false, h, 500, `{"status":500,"title":"The crash check function panicked"}`},                      // S2.7
		{"/healthz/ready", false, h, 200, `{"status":200,"title":"OK"}`},                                                     // the group
		{"/healthz/ready", true, h, 503, `{"status":503,"title":"the database is gone"}`},                                    // of the group
		{"/healthz/startup", true, h, 200, `{"status":200,"title":"OK"}`},                                                    // no checks
		{"/healthz/ready", true, &Healthz{Checker: c}, 503, `{"status":503,"title":"details withheld"}`},                     // not allowed
		{"/x/up", false, &Healthz{Checker: c, Names: map[string]string{"up": "db"}}, 200, `{"status":200,"title":"OK"}`},     // S2.2
		{"/x/db", false, &Healthz{Checker: c, Names: map[string]string{"up": "db"}}, 404, `The db check endpoint is not`},    // S2.5
		{"/x/up", false, &Healthz{Checker: c, Names: map[string]string{"up": "gone"}}, 500, `The up check function could n`}, // S2.6
	} {
		unready.Store(test.unready)
		w := ask(test.h, "GET", test.path)
		if w.Code != test.code || !strings.Contains(w.Body.String(), test.body) {
			t.Errorf("%s: %d %s, want %d %s", test.path, w.Code, w.Body, test.code, test.body)
		}
		if got := w.Header().Get("Content-Type"); got != "application/problem+json" { // S2.8
			t.Errorf("%s: %s", test.path, got)
		}
	}
}

func TestGroups(t *testing.T) { // K5, and the endpoints of the API server of Kubernetes
	c := closing(t, &Checker{},
		Check{Name: "ping", Run: pass, Groups: []string{Live, Ready}},
		Check{Name: "db", Run: fail},
		Check{Name: "cache", Severity: WarningOnly, Run: fail},
		Check{Name: "inner", Hidden: true, Run: pass})
	ready := &Group{Checker: c, Group: Ready}
	for _, test := range []struct {
		h    *Group
		url  string
		code int
		want string
	}{
		{&Group{Checker: c, Group: Live}, "/livez", 200, "ok"},
		{&Group{Checker: c, Group: Live}, "/livez?verbose", 200, "[+]ping ok\nlivez check passed\n"},
		{ready, "/readyz", 503, "[+]ping ok\n[-]db failed: reason withheld\n[-]cache failed: reason withheld\nreadyz check failed\n"},
		{&Group{Checker: c, Group: Ready, Details: Everyone}, "/readyz", 503, "[+]ping ok\n[-]db failed: broken\n[-]cache failed: broken\nreadyz check failed\n"},
		{ready, "/readyz?exclude=db", 200, "ok"},
		{ready, "/readyz?exclude=db&verbose", 200, "[+]ping ok\n[-]cache failed: reason withheld\nreadyz check passed\n"},
		{ready, "/readyz?include=ping", 200, "ok"},
		{ready, "/readyz?exclude=db&exclude=nope", 200, "warn: there is no check \"nope\" in this group\nreadyz check passed\n"},
		{&Group{Checker: c, Group: "invented"}, "/", 200, "ok"},
	} {
		w := ask(test.h, "GET", test.url)
		if w.Code != test.code || w.Body.String() != test.want {
			t.Errorf("%s: %d\n%swant %d\n%s", test.url, w.Code, w.Body, test.code, test.want)
		}
		if w.Header().Get("Cache-Control") != "no-store" {
			t.Error("may be cached")
		}
	}
}

func TestDrain(t *testing.T) {
	c := closing(t, &Checker{}, Check{Name: "ping", Run: pass, Groups: []string{Live, Ready}})
	c.Drain()
	for _, url := range []string{"/", "/?exclude=ping", "/?verbose"} {
		if w := ask(&Group{Checker: c, Group: Ready}, "GET", url); w.Code != 503 || !strings.Contains(w.Body.String(), "shutting down") {
			t.Errorf("%s: %d %s", url, w.Code, w.Body)
		}
	}
	if w := ask(&Healthz{Checker: c}, "GET", "/healthz/ready"); w.Code != 503 || !strings.Contains(w.Body.String(), "shutting down") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := ask(&Group{Checker: c, Group: Live}, "GET", "/"); w.Code != 200 {
		t.Errorf("liveness turned %d, and the process would be restarted", w.Code)
	}
}

func TestStartupPassesForGood(t *testing.T) { // K1
	var up atomic.Bool
	c := closing(t, &Checker{}, Check{Name: "warm", Groups: []string{Startup}, PassTTL: -1, FailTTL: -1, Run: func(context.Context) error {
		if up.Load() {
			return nil
		}
		return errors.New("cold")
	}})
	h := &Group{Checker: c, Group: Startup}
	for i, step := range []struct {
		up   bool
		code int
	}{{false, 503}, {true, 200}, {false, 200}} {
		up.Store(step.up)
		if w := ask(h, "GET", "/startupz"); w.Code != step.code {
			t.Errorf("step %d: %d", i, w.Code)
		}
	}
}
