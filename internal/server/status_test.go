package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/client/api"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

func (f *fixture) status(query string) (v api.Status) {
	f.t.Helper()
	if err := json.Unmarshal([]byte(f.page("/api/v1/status?"+query)), &v); err != nil {
		f.t.Fatal(err)
	}
	return v
}

func TestStatus(t *testing.T) {
	f := newFixture(t)
	if diff := cmp.Diff(api.Status{Worst: "UNKNOWN", NotHealthy: []api.Subject{}}, f.status("")); diff != "" {
		t.Error(diff)
	}
	began := time.Now()
	f.show(map[string]health.Verdict{"good": health.Healthy, "bad": health.Unhealthy, "so so": health.Degraded, "late": health.Unknown},
		func(t *prober.Target) { t.URL += "?key=sesame" })
	f.checks.Sync([]schedule.Job{{
		Target: &prober.Target{App: "disk", Interval: time.Minute, Timeout: time.Second}, Check: &schedule.Check{Kind: "filesystem"},
		Module: prober.CheckModule(f.checker, "exporter-ready", time.Second),
		Saved:  &schedule.Saved{State: health.State{Verdict: health.Unhealthy}, Since: began, Place: "filesystem"},
	}})
	f.windows["patch"] = Maintenance{Name: "patch", Targets: []string{"so so"}}
	v := f.status("")
	want := api.Status{
		Worst: "UNHEALTHY", Total: 5, Targets: api.Counts{Unhealthy: 1, Unknown: 1, Healthy: 1, Maintenance: 1}, Checks: api.Counts{Unhealthy: 1},
	}
	if v.Since == nil || time.Since(*v.Since) < 59*time.Minute { // the one that has it longest
		t.Errorf("since %v", v.Since)
	}
	var names []string
	for _, x := range v.NotHealthy {
		names = append(names, x.Kind+" "+x.Name+" "+x.Group+" "+x.State+" "+x.Place)
	}
	v.Since, v.NotHealthy = nil, nil
	if diff := cmp.Diff(want, v); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{
		"check disk Checks UNHEALTHY ", "target bad web UNHEALTHY http://10.0.0.7:1/bad?key=sesame", "target late web UNKNOWN http://10.0.0.7:1/late?key=sesame",
	}, names); diff != "" {
		t.Error(diff)
	}
	for query, want := range map[string]string{ // unhealthy unknown healthy maintenance, of all, named, more
		"limit=1": "2 1 1 1 of 5, 1 2", "group=Checks": "1 0 0 0 of 5, 1 0", "group=web&state=healthy": "0 0 1 0 of 5, 0 0",
		"state=troubled": "2 1 0 0 of 5, 3 0", "state=maintenance": "0 0 0 1 of 5, 0 0", "q=sesame": "1 1 1 1 of 5, 2 0", "source=config": "2 1 1 1 of 5, 3 0",
		"label=room=attic": "1 1 1 1 of 5, 2 0",
	} {
		v := f.status(query)
		got := fmt.Sprintf("%d %d %d %d of %d, %d %d", v.Targets.Unhealthy+v.Checks.Unhealthy, v.Targets.Unknown, v.Targets.Healthy, v.Targets.Maintenance,
			v.Total, len(v.NotHealthy), v.NotHealthyMore)
		if got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	f.from = "192.168.1.9:1"
	hasNot(t, "the status for others", f.page("/api/v1/status"), "sesame")
	if v := f.status("q=sesame"); v.Targets != (api.Counts{}) {
		t.Errorf("what is not shown is found: %+v", v)
	}
	f.expect(http.StatusBadRequest, f.do("GET", "/api/v1/status?limit=1001", ""))
	f.expect(http.StatusBadRequest, f.do("GET", "/api/v1/status?cursor=x", ""))
}

// TestStatusHidesWhatChecksSay from whoever may not see it.
func TestStatusHidesWhatChecksSay(t *testing.T) {
	f := newFixture(t)
	f.ready = errors.New("3 % free on /secret")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { f.checks.Run(ctx); close(ended) }()
	defer func() { stop(); <-ended }()
	f.checks.Sync([]schedule.Job{{
		Target: &prober.Target{App: "disk", Interval: time.Hour, Timeout: time.Second}, Check: &schedule.Check{Kind: "filesystem"},
		Module: prober.CheckModule(f.checker, "exporter-ready", time.Second), NotBefore: time.Now().Add(time.Hour),
	}})
	_, err := f.checks.ProbeNow(t.Context(), "disk")
	for deadline := time.Now().Add(20 * time.Second); errors.Is(err, schedule.ErrBusy) && time.Now().Before(deadline); { // it has not begun yet
		time.Sleep(time.Millisecond)
		_, err = f.checks.ProbeNow(t.Context(), "disk")
	}
	if err != nil {
		t.Fatal(err)
	}
	has(t, "the status for this host", f.page("/api/v1/status"), "/secret")
	f.from = "203.0.113.9:1"
	hasNot(t, "the status for strangers", f.page("/api/v1/status"), "/secret")
}

func TestForemost(t *testing.T) {
	f := foremost[int]{n: 3, compare: func(a, b int) int { return a/10 - b/10 }}
	if kept, more := f.list(); len(kept) != 0 || more != 0 {
		t.Errorf("of nothing: %v %d", kept, more)
	}
	for i := range 1000 {
		f.add((i*7919)%1000 + 10)
	}
	f.add(5)
	f.add(11)
	f.add(4)
	kept, more := f.list()
	if diff := cmp.Diff([]int{5, 4, 10}, kept); diff != "" || more != 1000 { // equal ones as they came
		t.Errorf("%d more; %s", more, diff)
	}
	if cap(f.kept) > 64 {
		t.Errorf("room for %d", cap(f.kept))
	}
}
