package peers

import (
	"context"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// A real name server that refuses one name, or fails for it, and knows another: the one
// target fails, the other one is well.
func TestNameServerFailsForOneTarget(t *testing.T) {
	w := startNginx(t)
	for name, startResolver := range resolvers {
		t.Run(name, func(t *testing.T) {
			resolver := startResolver(t)
			m := modules(t, `
modules:
  http: {prober: http, http: {resolver: "`+resolver+`", preferred_ip_protocol: ip4, valid_status_codes: [200, 404]}}
`)
			var jobs []schedule.Job
			for app, host := range map[string]string{"good": "four.example", "refused": "broken.test", "failing": "servfail.test"} {
				jobs = append(jobs, schedule.Job{Module: m["http"], Target: &prober.Target{
					App: app, URL: "http://" + host + ":" + w.plain + "/health", Interval: time.Second, Timeout: 5 * time.Second, Unhealthy: 2, Healthy: 1,
				}})
			}
			s := schedule.New(schedule.Options{})
			s.Sync(jobs)
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { s.Run(ctx); close(ended) }()
			t.Cleanup(func() { stop(); <-ended })

			want := map[string]health.Verdict{"good": health.Healthy, "refused": health.Unhealthy, "failing": health.Unhealthy}
			deadline := time.Now().Add(20 * time.Second)
			for {
				wrong := ""
				for _, st := range s.Snapshot() {
					if app := st.Target.App; st.State.Verdict != want[app] || app != "good" && (st.Reason != prober.ReasonDNS || !st.Probed) {
						wrong += app + ": " + st.State.Verdict.String() + " " + string(st.Reason) + " " + st.Error + "\n"
					}
				}
				if wrong == "" {
					return
				}
				if time.Now().After(deadline) {
					t.Fatal(wrong)
				}
				time.Sleep(100 * time.Millisecond)
			}
		})
	}
}
