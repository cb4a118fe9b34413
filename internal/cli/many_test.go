package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/client/api"
)

// TestManyTargets: a status of very many shows some, and a list all of them, in pages.
func TestManyTargets(t *testing.T) {
	const n = targetsPerRequest + 1000
	var config strings.Builder
	config.WriteString("targets:\n")
	for i := range n {
		fmt.Fprintf(&config, "- {app: t%05d, address: '127.0.0.1:1', module: tcp_connect, initial_delay: 1d, interval: 1d, group: g%d}\n", i, i%2)
	}
	address, _ := exporter(t, config.String(), "", "")
	at := Exporter{URL: "http://" + address}
	s, j := newScreen(false), newScreen(true)
	status := func(screen *screen, f Filter) int {
		return (&Status{Exporter: at, Terminal: screen.Terminal, Filter: f}).Run(t.Context())
	}
	code := status(s, Filter{Groups: []string{"g1"}})
	if lines := strings.Count(s.out.String(), "\n"); lines != 1+1+maxShown+1 {
		t.Errorf("%d lines", lines)
	}
	s.expect(t, 1, code, "HEALTH WARNING - 3000 unknown | unhealthy=0", "UNKNOWN  t00001", "UNKNOWN  t00199", "2900 more are not shown")
	code = status(j, Filter{Groups: []string{"g1", "g0"}})
	var got struct {
		Counts  map[string]int
		Targets []struct{ App string }
		More    int `json:"targets_more"`
	}
	if err := json.Unmarshal(j.out.Bytes(), &got); err != nil || got.Counts["unknown"] != n || len(got.Targets) != maxShown || got.More != n-maxShown {
		t.Errorf("%v %d %d %v", err, len(got.Targets), got.More, got.Counts)
	}
	j.expect(t, 1, code, `"registered_at"`)
	s.expect(t, 3, status(s, Filter{Groups: []string{"g1", "g12"}}), `there is no target in group "g12"; did you mean "g1"?`)
	s.expect(t, 1, status(s, Filter{States: []string{"unknown"}}), "6000 unknown", "5900 more")
	s.expect(t, 0, status(s, Filter{States: []string{"healthy"}, Groups: []string{"g1"}}), "no such targets")
	s.expect(t, 1, status(s, Filter{Apps: []string{"t00007", "t05999"}}), "2 unknown", "t05999")
	s.expect(t, 3, status(s, Filter{Apps: []string{"t0600"}}), `there is no target "t0600"; did you mean "t00600"?`)

	list := List{Exporter: at, Terminal: s.Terminal}
	code = list.Run(t.Context())
	if lines := strings.Count(s.out.String(), "\n"); lines != 1+n {
		t.Errorf("%d lines", lines)
	}
	s.expect(t, 0, code, "t00000", "t05999")
	if names := at.Names(t.Context()); len(names) != n {
		t.Errorf("%d names", len(names))
	}
}

// TestOldExporters know neither pages nor filters, and no status.
func TestOldExporters(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/targets" {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"status": 404, "title": "Not Found", "detail": "there is nothing"}`)
			return
		}
		var list api.Targets
		for i, state := range []string{"HEALTHY", "UNHEALTHY", "HEALTHY"} {
			list.Targets = append(list.Targets, api.Target{Registration: api.Registration{App: fmt.Sprint("a", i), Group: fmt.Sprint("g", i%2)}, State: state, Source: "api"})
		}
		json.NewEncoder(w).Encode(list)
	}))
	defer s.Close()
	at := Exporter{URL: s.URL}
	screen := newScreen(false)
	for _, test := range []struct {
		filter Filter
		code   int
		says   string
	}{
		{Filter{}, 2, "1 unhealthy (a1), 2 healthy |"},
		{Filter{Groups: []string{"g0"}}, 0, "2 healthy |"},
		{Filter{States: []string{"unhealthy"}}, 2, "1 unhealthy (a1) |"},
		{Filter{Apps: []string{"a0", "a0"}}, 0, "1 healthy |"},
		{Filter{Groups: []string{"g2"}}, 3, `no target in group "g2"; did you mean "g`},
	} {
		status := Status{Exporter: at, Terminal: screen.Terminal, Filter: test.filter}
		screen.expect(t, test.code, status.Run(t.Context()), test.says)
	}
}

// TestManyUnhealthy is judged by the counts.
func TestManyUnhealthy(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/v1/status":
			fmt.Fprint(w, `{"worst": "UNHEALTHY", "total": 500, "targets": {"unhealthy": 7, "healthy": 493}, "checks": {}, "not_healthy": [{"name": "a", "state": "UNHEALTHY"}, {"name": "b", "state": "UNHEALTHY"}]}`)
		case "/api/v1/checks":
			fmt.Fprint(w, `{"checks": []}`)
		default:
			fmt.Fprintf(w, `{"targets": [{"app": "one that is %s", "state": "UNHEALTHY"}], "total": 1}`, r.URL.Query().Get("state"))
		}
	}))
	defer s.Close()
	screen := newScreen(false)
	status := Status{Exporter: Exporter{URL: s.URL}, Terminal: screen.Terminal}
	screen.expect(t, 2, status.Run(t.Context()), "HEALTH CRITICAL - 7 unhealthy (a, b and 5 more), 493 healthy |", "one that is unhealthy", "497 more are not shown")
}

func TestSearchable(t *testing.T) {
	long := strings.Repeat("ü", 200)
	if diff := cmp.Diff([]string{"nas", strings.Repeat("ü", 128)}, []string{searchable("nas"), searchable(long)}); diff != "" {
		t.Error(diff)
	}
}
