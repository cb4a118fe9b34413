package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/client/api"
	"github.com/health-exporter/health_exporter/internal/testport"
)

// TestLifeOfATarget goes through all commands against a real exporter.
func TestLifeOfATarget(t *testing.T) {
	address, _ := exporter(t, "", "", "")
	at := Exporter{URL: "http://" + address}
	shop, breakIt := service(t)
	s, j := newScreen(false), newScreen(true)
	ctx := t.Context()
	status := func(screen *screen, f Filter) int {
		return (&Status{Exporter: at, Terminal: screen.Terminal, Filter: f}).Run(ctx)
	}
	s.expect(t, 1, status(s, Filter{}), "HEALTH WARNING - there are no targets yet")

	add := Add{Exporter: at, Terminal: s.Terminal, Place: shop, Registration: api.Registration{
		App: "web shop", Module: "http_2xx", Group: "home", Healthy: new(2), Unhealthy: new(2), Interval: api.NewSeconds(300 * time.Second),
		Timeout: api.NewSeconds(2 * time.Second), InitialDelay: api.NewSeconds(300 * time.Second), Labels: map[string]string{"room": "attic"}, Email: new("me@example.org"),
	}}
	s.expect(t, 0, add.Run(ctx), "added web shop", "with module http_2xx, every 5m0s", "warning: email")
	add = Add{Exporter: at, Terminal: j.Terminal, Place: "x", Registration: api.Registration{App: "tür/../x"}}
	j.expect(t, 1, add.Run(ctx), "app:", "must not contain")
	add = Add{Exporter: at, Terminal: j.Terminal, Place: "127.0.0.1:1", Registration: api.Registration{
		App: "router", Module: "tcp_connect", InitialDelay: api.NewSeconds(300 * time.Second),
	}}
	j.expect(t, 0, add.Run(ctx), `"address": "127.0.0.1:1"`)
	s.expect(t, 1, status(s, Filter{}), "HEALTH WARNING - 2 unknown | unhealthy=0")

	probe := ProbeNow{Exporter: at, Terminal: s.Terminal, Apps: []string{"web shop"}}
	s.expect(t, 0, probe.Run(ctx), "PASS", "200")
	s.expect(t, 0, probe.Run(ctx), "HEALTHY")
	s.expect(t, 0, status(s, Filter{Groups: []string{"home"}}), "HEALTH OK - 1 healthy |")
	breakIt()
	s.expect(t, 1, probe.Run(ctx), "FAIL", "418")
	s.expect(t, 1, probe.Run(ctx), "UNHEALTHY")
	s.expect(t, 2, status(s, Filter{}), "HEALTH CRITICAL - 1 unhealthy (web shop), 1 unknown |", "UNHEALTHY  web shop")
	j.expect(t, 2, status(j, Filter{}), `"exit_code": 2`, `"registered_at"`)
	s.expect(t, 3, status(s, Filter{Apps: []string{"webshop"}}), `HEALTH UNKNOWN - there is no target "webshop"; did you mean "web shop"?`)
	s.expect(t, 3, status(s, Filter{Groups: []string{"zzzzzz"}}), "`health_exporter targets list`")
	s.expect(t, 0, status(s, Filter{States: []string{"degraded"}}), "no such targets")

	list := List{Exporter: at, Terminal: j.Terminal, Filter: Filter{States: []string{"unhealthy"}}}
	code := list.Run(ctx)
	var listed struct{ Targets []struct{ App string } }
	if err := json.Unmarshal(j.out.Bytes(), &listed); err != nil || len(listed.Targets) != 1 || listed.Targets[0].App != "web shop" {
		t.Errorf("%v in %s", err, j.out.String())
	}
	j.expect(t, 0, code)

	history := History{Exporter: at, Terminal: s.Terminal, App: "web shop", Limit: 3}
	s.expect(t, 0, history.Run(ctx), "RESULT", "FROM", "UNHEALTHY", "status")
	history.App = "router"
	s.expect(t, 0, history.Run(ctx), "has not been probed yet")
	history.App, history.Terminal = "web shop", j.Terminal
	j.expect(t, 0, history.Run(ctx), `"entries"`, `"transitions"`)

	act := Act{Exporter: at, Terminal: s.Terminal, Apps: []string{"web shop", "ruoter"}}
	s.expect(t, 1, act.Pause(ctx), "paused web shop", `there is no target "ruoter"; did you mean "router"?`)
	s.expect(t, 1, probe.Run(ctx), "it is paused; resume it first")
	s.expect(t, 1, status(s, Filter{}), "1 unknown, 1 paused |")
	act.Apps = act.Apps[:1]
	s.expect(t, 0, act.Resume(ctx), "resumed web shop")
	act.Terminal = j.Terminal
	j.expect(t, 0, act.Remove(ctx), `"done": "removed"`)
	if names := at.Names(ctx); len(names) != 1 || names[0] != "router" {
		t.Errorf("names %q", names)
	}
}

func TestBadExporters(t *testing.T) {
	nobody := testport.Reserve(t)
	plain, _ := exporter(t, "", "", "")
	webConfig, caFile := secured(t)
	secure, _ := exporter(t, "", webConfig, "")
	token := written(t, "token", strings.Repeat("t", 16))
	guarded, _ := exporter(t, "registration: {tokens: [{name: a, token_file: "+token+"}]}\naccess: {read: token}", "", "")
	empty := written(t, "empty", " \n")
	// A user whose password is a token as well opens both.
	both := "registration: {tokens: [{name: a, token_file: " + written(t, "token", password) + "}]}\naccess: {read: token}"
	doubly, _ := exporter(t, both, webConfig, "")
	const ok, hasNone = "HEALTH WARNING - there are no targets yet", 1
	for _, test := range []struct {
		name string
		at   Exporter
		code int
		says string
	}{
		{"not running", Exporter{URL: "http://" + nobody}, 3, "is the exporter running? Say where it is with --url or HEALTH_EXPORTER_URL"},
		{"no URL", Exporter{URL: "localhost:10115"}, 3, "--url is not a valid URL, such as http://localhost:10115"},
		{"wrong path", Exporter{URL: "http://" + plain + "/prefix"}, 3, "there is no API of a health_exporter at"},
		{"TLS, plain", Exporter{URL: "http://" + secure}, 3, "try https:// in --url"},
		{"plain, TLS", Exporter{URL: "https://" + plain}, 3, "try http:// in --url"},
		{"unknown CA", Exporter{URL: "https://" + secure}, 3, "--ca-file, or trust it blindly with --insecure"},
		{"no user", Exporter{URL: "https://" + secure, CAFile: caFile}, 3, "or a user in --url"},
		{"wrong user", Exporter{URL: "https://me:wrong@" + secure, CAFile: caFile}, 3, "or a user in --url"},
		{"user", Exporter{URL: "https://me:" + password + "@" + secure, CAFile: caFile}, hasNone, ok},
		{"user whose password is a token", Exporter{URL: "https://me:" + password + "@" + doubly, CAFile: caFile}, hasNone, ok},
		{"insecure", Exporter{URL: "https://me:" + password + "@" + secure, Insecure: true}, hasNone, ok},
		{"no token", Exporter{URL: "http://" + guarded}, 3, "give a token with --token-file or HEALTH_EXPORTER_TOKEN"},
		{"wrong token", Exporter{URL: "http://" + guarded, Token: "wrong"}, 3, "does not accept the token"},
		{"token", Exporter{URL: "http://" + guarded, TokenFile: token}, hasNone, ok},
		{"token as password", Exporter{URL: "http://me:tttttttttttttttt@" + guarded}, hasNone, ok},
		{"token and user", Exporter{URL: "http://me:x@" + guarded, Token: "x"}, 3, "omit one"},
		{"no file of a token", Exporter{URL: "http://" + guarded, TokenFile: "nowhere"}, 3, "reading the token (--token-file)"},
		{"empty file", Exporter{URL: "http://" + guarded, TokenFile: empty}, 3, "is empty"},
		{"no certificates", Exporter{URL: "https://" + secure, CAFile: token}, 3, "has none in PEM"},
		{"too slow", Exporter{URL: "http://" + plain, Timeout: 1}, 3, "it has not answered within 1ns"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newScreen(false)
			status := Status{Exporter: test.at, Terminal: s.Terminal}
			code := status.Run(t.Context())
			if line := s.out.String(); !strings.HasPrefix(line, "HEALTH ") || strings.Contains(line, password) || strings.Count(line, "\n") != 1 {
				t.Errorf("it says %q", line)
			}
			s.expect(t, test.code, code, test.says)
		})
	}
}

// TestRedirects: neither token nor password goes to another host.
func TestRedirects(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("asked with %q", r.Header)
	}))
	defer elsewhere.Close()
	s := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer s.Close()
	for _, at := range []Exporter{{URL: s.URL, Token: "secret"}, {URL: strings.Replace(s.URL, "//", "//me:secret@", 1)}} {
		screen := newScreen(false)
		list := List{Exporter: at, Terminal: screen.Terminal}
		screen.expect(t, 1, list.Run(t.Context()), "it redirects to "+elsewhere.URL)
	}
}

// TestStatusOfChecksAndMaintenance: checks count as targets do, and what is in
// maintenance does not.
func TestStatusOfChecksAndMaintenance(t *testing.T) {
	address, _ := exporter(t, `
targets: [{app: shop, address: "127.0.0.1:1", module: tcp_connect, initial_delay: 1d, interval: 1d}]
checks: [{name: file, kind: file, path: /nowhere/at/all, interval: 1s, unhealthy: 1}]
maintenance: [{name: now, targets: [shop], start: 2020-01-01T00:00:00Z, end: 2100-01-01T00:00:00Z}]
`, "", "")
	s := newScreen(false)
	status := Status{Exporter: Exporter{URL: "http://" + address}, Terminal: s.Terminal}
	for deadline := time.Now().Add(20 * time.Second); status.Run(t.Context()) != 2 && time.Now().Before(deadline); {
		s.out.Reset()
		time.Sleep(50 * time.Millisecond)
	}
	s.out.Reset()
	s.expect(t, 2, status.Run(t.Context()), "1 unhealthy (file), 1 maintenance |", "MAINTENANCE  shop", "UNHEALTHY    file", "check of kind file", "Checks")
	status.States = []string{"maintenance"}
	s.expect(t, 0, status.Run(t.Context()), "1 maintenance |")
}

// TestAddFlags: there is one for each field of a registration, and what is not given is
// left out.
func TestAddFlags(t *testing.T) {
	parse := func(args ...string) (*Add, error) {
		a := &Add{}
		k := kingpin.New("x", "").Terminate(nil)
		a.Flags(k.Command("add", ""))
		_, err := k.Parse(append([]string{"add", "nas", "10.0.0.9:80"}, args...))
		return a, err
	}
	a, err := parse("--module=tcp_connect", "--email=me@example.org", "--group=home", "--label=room=attic", "--label=floor=2", "--depends-on=a", "--depends-on=b",
		"--interval=1m", "--timeout=5", "--initial-delay=0", "--unhealthy=4", "--healthy=5", "--degraded-after=3", "--fast-start",
		"--valid-status-code=200", "--valid-status-code=4xx", "--ttl=10m")
	if err != nil {
		t.Fatal(err)
	}
	want := api.Registration{
		App: "nas", Address: "10.0.0.9:80", Module: "tcp_connect", Email: new("me@example.org"), Group: "home", Labels: map[string]string{"room": "attic", "floor": "2"},
		DependsOn: []string{"a", "b"}, Interval: api.NewSeconds(time.Minute), Timeout: api.NewSeconds(5 * time.Second), InitialDelay: api.NewSeconds(0),
		Unhealthy: new(4), Healthy: new(5), DegradedAfter: new(3), FastStart: new(true), ValidStatusCodes: api.StatusCodes{"200", "4xx"}, TTL: api.NewSeconds(10 * time.Minute),
	}
	if diff := cmp.Diff(want, a.placed()); diff != "" {
		t.Error(diff)
	}
	for i, v := 0, reflect.ValueOf(want); i < v.NumField(); i++ {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() && name != "URL" {
			t.Errorf("the test gives no flag for %s", name)
		}
	}
	a, err = parse()
	text, _ := json.Marshal(a.placed())
	if err != nil || string(text) != `{"app":"nas","url":"10.0.0.9:80"}` {
		t.Errorf("%v %s", err, text)
	}
	if a, err = parse("--no-fast-start"); err != nil || *a.Registration.FastStart {
		t.Errorf("--no-fast-start: %v", err)
	}
	for flag, want := range map[string]string{
		"--interval=soon": "must be whole seconds", "--unhealthy=x": `must be a whole number, not "x"`,
		"--interval=1.5s": "must be whole seconds", "--label=x": "expected KEY=VALUE",
	} {
		if _, err := parse(flag); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", flag, err)
		}
	}
}

// TestDumpOfHiddenPlaces is refused: loaded again, it would probe something else.
func TestDumpOfHiddenPlaces(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(api.Targets{Targets: []api.Target{{Registration: api.Registration{App: "nas", URL: "http://10.0.0.9/x"}, Source: "api", PlaceCut: true}}})
	}))
	defer s.Close()
	screen := newScreen(false)
	dump := Dump{Exporter: Exporter{URL: s.URL}, Terminal: screen.Terminal}
	screen.expect(t, 1, dump.Run(t.Context()), "does not show all of what nas probes", `the right "debug"`)
}
