package server

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/internal/history"
)

func TestHistoryOfStates(t *testing.T) {
	f := newFixture(t)
	f.do("POST", "/api/v1/targets", `{"app": "check:a", "url": "http://10.0.0.9"}`)
	subject := history.TargetSubject("check:a")
	start := time.Now()
	f.history.Note(subject, start, history.Healthy)
	time.Sleep(2 * time.Millisecond) // the history counts in milliseconds
	f.history.Note(subject, time.Now(), history.Unhealthy|history.Maintenance)
	time.Sleep(2 * time.Millisecond)
	f.history.Note(subject, time.Now(), history.Unhealthy)
	f.history.Note(history.CheckSubject("a"), start, history.Degraded) // another subject

	got := f.expect(http.StatusOK, f.do("GET", "/api/v1/targets/check:a/history", ""))
	var states []any
	var end string
	for _, each := range got["intervals"].([]any) {
		i := each.(map[string]any)
		if end != "" && i["from"] != end {
			t.Errorf("it goes on at %v after %s", i["from"], end)
		}
		end = i["to"].(string)
		states = append(states, i["state"], i["maintenance"])
	}
	want := []any{"NO_DATA", nil, "HEALTHY", nil, "UNHEALTHY", true, "UNHEALTHY", nil}
	if len(states) != len(want) {
		t.Fatalf("%v", states)
	}
	for i := range want {
		if states[i] != want[i] {
			t.Errorf("%v, want %v", states, want)
			break
		}
	}
	for _, span := range uptimeSpans {
		view := got["uptime"].(map[string]any)[span.name].(map[string]any)
		share, _ := view["share"].(float64)
		total := 0.0
		for _, seconds := range view["seconds"].(map[string]any) {
			total += seconds.(float64)
		}
		if share <= 0 || share >= 1 || total < span.span.Seconds()-1e-6 || total > span.span.Seconds()+1e-6 {
			t.Errorf("%s: %v", span.name, view)
		}
	}
	f.do("POST", "/api/v1/targets", `{"app": "new", "url": "http://10.0.0.9"}`)
	got = f.expect(http.StatusOK, f.do("GET", "/api/v1/targets/new/history", ""))
	if view := got["uptime"].(map[string]any)["30d"].(map[string]any); view["share"] != nil {
		t.Errorf("the uptime of what is not known: %v", view)
	}
}

func TestHistoryIsBounded(t *testing.T) {
	f := newFixture(t)
	f.do("POST", "/api/v1/targets", `{"app": "a", "url": "http://10.0.0.9"}`)
	for i := 0; f.history.Stats().Intervals < maxIntervals+10; i++ {
		f.history.Note("a", time.Now(), []history.State{history.Healthy, history.Unhealthy}[i%2])
	}
	time.Sleep(2 * time.Millisecond)
	got := f.expect(http.StatusOK, f.do("GET", "/api/v1/targets/a/history", ""))
	if n := len(got["intervals"].([]any)); n != maxIntervals || got["intervals_dropped"] != 11.0 { // one before all
		t.Errorf("%d intervals, %v dropped", n, got["intervals_dropped"])
	}
}

func TestHistoryQuery(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		query    string
		from, to time.Time
	}{
		{"", now.Add(-24 * time.Hour), now},
		{"from=2026-02-01T00:00:00Z", time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), now},
		{"to=2026-02-01T00:00:00Z", time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC), time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)},
		{"from=2026-01-01T01:00:00%2B01:00&to=2026-01-02T00:00:00.5Z", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 2, 0, 0, 0, 5e8, time.UTC)},
	} {
		values, err := url.ParseQuery(test.query)
		if err != nil {
			t.Fatal(err)
		}
		p := &params{values: values}
		q := p.historyQuery(now)
		if fault := p.refused(); fault != nil || !q.from.Equal(test.from) || !q.to.Equal(test.to) || q.limit != 100 {
			t.Errorf("%s: %+v %v", test.query, q, fault)
		}
	}
	f := newFixture(t)
	f.do("POST", "/api/v1/targets", `{"app": "a", "url": "http://10.0.0.9"}`)
	for query, fields := range map[string][]string{
		"limit=0&from=yesterday&to=1":                               {"limit", "from", "to"},
		"from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z":         {"from"},
		"limit=x&from=2020-01-01T00:00:00Z&to=2026-01-02T00:00:00Z": {"limit", "from"},
		"from=9999-01-01T00:00:00Z":                                 {"from"},
		"from=2026-01-01T01:00:00+01:00":                            {"from"}, // a + means a space
		"until=2026-01-01T00:00:00Z&limit=-1&from=&from=":           {"limit", "from", "until"},
	} {
		got := f.expect(http.StatusBadRequest, f.do("GET", "/api/v1/targets/a/history?"+query, ""))
		errors := got["errors"].([]any)
		if len(errors) != len(fields) {
			t.Errorf("%s: %v", query, errors)
			continue
		}
		for i, each := range errors {
			if field := each.(map[string]any)["field"]; field != fields[i] {
				t.Errorf("%s: fault %d is of %v, want %s", query, i, field, fields[i])
			}
		}
	}
}
