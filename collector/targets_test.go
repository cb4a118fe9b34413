package collector

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

func TestBothRenderersAgree(t *testing.T) {
	for name, list := range map[string]statuses{"fixed": fixed(), "fleet": fleet(50), "none": {}} {
		t.Run(name, func(t *testing.T) {
			page := parse(t, get(t, NewPage(list, nil, nil), ""))
			if diff := cmp.Diff(gathered(t, NewTargets(list)), page); diff != "" {
				t.Errorf("const metrics (-) and page (+):\n%s", diff)
			}
		})
	}
}

func TestLint(t *testing.T) {
	registry := newRegistry(t, append(fixedSelf(), NewTargets(fixed()))...)
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestStatesAndReasonsFit guards the places where the table relies on the
// order and the number of somebody else's constants.
func TestStatesAndReasonsFit(t *testing.T) {
	var s schedule.Status
	if got, want := len(prober.Reasons()), len(s.Failures); got != want {
		t.Errorf("%d reasons, room for %d", got, want)
	}
	for i, v := range health.Verdicts() {
		s.State.Verdict = v
		if stateIndex(&s) != i {
			t.Errorf("state %v is number %d of the table, want %d", v, stateIndex(&s), i)
		}
	}
	if s.State.Verdict = 200; stateIndex(&s) != 0 {
		t.Error("a state nobody knows is not unknown")
	}
}

func TestBeforeTheFirstProbe(t *testing.T) {
	list := statuses{{Target: &prober.Target{App: "a"}, LastProbe: at(0), Latency: 1}}
	page := parse(t, get(t, NewPage(list, nil, nil), ""))
	for _, name := range []string{
		"health_target_up", "health_target_latency_seconds", "health_target_last_probe_timestamp_seconds",
		"health_target_last_healthy_timestamp_seconds", "health_target_http_status_code",
		"health_target_cert_expiry_timestamp_seconds", "health_target_version_info",
	} {
		if _, there := page[name+`{target="a"}`]; there {
			t.Errorf("%s is there", name)
		}
	}
	if page[`health_target_state{state="unknown",target="a"}`] != 1 {
		t.Error("the state is not unknown")
	}
}
