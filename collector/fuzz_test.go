package collector

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// FuzzPage: whatever a target is called and says, both formats can be read,
// have the series of the const metrics, and exactly one state is 1.
func FuzzPage(f *testing.F) {
	f.Add("app", "http://me:secret@host/?q", "room", "attic", "no route", "cpu:utilization", "1.0", 1.5, int64(1764252345123), uint8(1))
	f.Add("a\"\\\n\xff", "\n# EOF\n", "target", "\"} 1\n", "\x00", ":\xc3", "\r\n", math.Copysign(0, -1), int64(-1), uint8(9))
	f.Fuzz(func(t *testing.T, app, url, name, value, message, key, version string, v float64, ms int64, verdict uint8) {
		if ms > 1<<52 || ms < -1<<52 { // times that time.Time itself cannot tell in milliseconds
			return
		}
		at := time.UnixMilli(ms)
		list := statuses{{
			Target: &prober.Target{
				App: app, URL: url, Module: value, Source: prober.Source(version), Group: message, Email: value, MailAllowed: true,
				Labels: map[string]string{name: value, "own": message},
			},
			State: health.State{Verdict: health.Verdict(verdict)}, Since: at, Probed: true, LastProbe: at,
			Latency: time.Duration(ms), CertExpiry: at, StatusCode: int(verdict), Problem: message,
			Reason: prober.Reason(message), Error: message, Failures: [10]uint32{uint32(verdict)},
			Report: &health.Report{Version: version, ReleaseID: value, ServiceID: message, Checks: map[string][]health.Measurement{
				key:       {{ComponentID: value, ObservedValue: v, ObservedUnit: version}, {ObservedValue: v}},
				key + ":": {{ComponentID: message, ObservedValue: v}},
				app:       {{ComponentID: value, ObservedValue: v, ObservedUnit: version}},
			}},
		}}
		page := NewPage(list, nil, nil)
		text := get(t, page, "")
		checkOpenMetrics(t, get(t, page, acceptOpenMetrics))
		series := parse(t, text)
		same := cmp.Comparer(func(a, b float64) bool { return a == b || a != a && b != b })
		if diff := cmp.Diff(gathered(t, NewTargets(list)), series, same); diff != "" {
			t.Errorf("const metrics (-) and page (+):\n%s", diff)
		}
		states := 0.0
		for key, v := range series {
			if strings.HasPrefix(key, "health_target_state{") {
				states += v
			}
		}
		if states != 1 {
			t.Errorf("%v states are 1", states)
		}
	})
}
