package collector

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

func TestChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		checker, err := health.New(
			health.Check{Name: "database", Run: func(ctx context.Context) error {
				time.Sleep(250 * time.Millisecond)
				health.Observe(ctx, "connections", 7, "")
				health.Observe(ctx, "version", "not a number", "")
				return nil
			}},
			health.Check{Name: "cache", Run: func(context.Context) error { return health.Warning(errors.New("cold")) }},
			health.Check{Name: "queue", Run: func(context.Context) error { return errors.New("full") }},
			health.Check{Name: "hangs", Timeout: time.Second, Run: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }})
		if err != nil {
			t.Fatal(err)
		}
		defer checker.Close(t.Context())
		collector := NewChecks(checker)
		if got := gathered(t, collector); got[`health_check_state{check="database",state="unknown"}`] != 1 {
			t.Errorf("before the first run: %v", got)
		} else if _, there := got[`health_check_up{check="database"}`]; there {
			t.Error("there is an up before the first run")
		}
		time.Sleep(2 * time.Second) // the first scrape has begun the runs
		got := gathered(t, collector)
		for series, want := range map[string]float64{
			`health_checks{}`:                                               4,
			`health_check_up{check="database"}`:                             1,
			`health_check_up{check="cache"}`:                                1,
			`health_check_up{check="queue"}`:                                0,
			`health_check_latency_seconds{check="database"}`:                0.25,
			`health_check_probes_total{check="cache",result="warn"}`:        1,
			`health_check_failures_total{check="queue",reason="check"}`:     1,
			`health_check_failures_total{check="hangs",reason="timeout"}`:   1,
			`health_check_state{check="queue",state="degraded"}`:            1,
			`health_check_state_changes_total{check="queue",to="degraded"}`: 1,
			`health_check_consecutive_failures{check="queue"}`:              1,

			`health_check_observed_value{check="database",component="",component_id="",measurement="connections",unit=""}`: 7,
		} {
			if v, there := got[series]; !there || v != want {
				t.Errorf("%s is %v (%v), want %v", series, v, there, want)
			}
		}
		if _, there := got[`health_check_http_status_code{check="database"}`]; there {
			t.Error("a check has an HTTP status")
		}
		if got[`health_check_state{check="cache",state="degraded"}`] != 1 {
			t.Error("the cache is not degraded")
		}
		time.Sleep(10 * time.Minute) // nobody has asked
		got = gathered(t, collector)
		if _, up := got[`health_check_up{check="cache"}`]; up || got[`health_check_state{check="cache",state="unknown"}`] != 1 {
			t.Error("a result that is stale is still shown as the state of the check")
		}
		time.Sleep(5 * time.Second) // the runs that the scrape has begun
	})
}
