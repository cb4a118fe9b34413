package alertmanager

import (
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

func TestLostAlerts(t *testing.T) {
	w := newScene()
	lost := func(name string) func(*scene) {
		return func(w *scene) { w.set(name, unknown).Gone = w.now }
	}
	back := func(name string, v health.Verdict) func(*scene) {
		return func(w *scene) { w.set(name, v).Gone = time.Time{} }
	}
	for i, step := range []sceneStep{
		{0, state("nas", healthy), ""},
		{time.Minute, lost("nas"), "nas gone"},
		{24 * time.Hour, nil, "nas gone"},
		{time.Minute, func(w *scene) { w.restart(t) }, "nas gone"},
		{time.Minute, back("nas", unknown), ""},
		{time.Minute, state("nas", healthy), "nas healthy"},
		{20 * time.Minute, nil, ""},
		{time.Minute, lost("nas"), "nas gone"},
		{time.Minute, remove("nas"), ""}, // somebody has taken note: no goodbye
		{time.Hour, state("nas", healthy), ""},
		{time.Minute, remove("nas"), "nas unregistered"}, // on purpose
	} {
		w.pass(step.after)
		if step.do != nil {
			step.do(w)
		}
		if got := w.look(); got != step.want {
			t.Errorf("step %d: %q, want %q", i, got, step.want)
		}
	}
}
