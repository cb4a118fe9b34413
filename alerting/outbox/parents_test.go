package outbox

import (
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
)

// TestHeldBack: the mail says of how many others there is news that it explains. What
// is held for another reason, such as maintenance, does not count, nor does it count
// twice what two people would be told of.
func TestHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{
			Interval: -1, Wait: -1, To: []string{"a@example.org", "b@example.org"},
			Hold: func(s *alerting.Subject, _ time.Time) bool { return s.Group == "maintained" },
		})
		defer func() { w.stop() }()
		for _, name := range []string{"router", "database", "switch", "nas", "tv", "shop"} {
			w.set(name, health.Healthy)
		}
		w.subjects["switch"].DependsOn = []string{"router"}
		w.subjects["nas"].DependsOn = []string{"switch"}
		w.subjects["tv"].DependsOn = []string{"router"}
		w.subjects["tv"].Group = "maintained"
		w.subjects["shop"].DependsOn = []string{"router", "database"}
		w.pass(10 * time.Second)
		for _, name := range []string{"nas", "tv", "shop"} {
			w.set(name, health.Unhealthy)
		}
		w.set("router", health.Unhealthy)
		w.set("database", health.Unknown) // its connection is refused: no news yet, and no cause
		w.pass(time.Minute)
		var got []string
		for _, m := range w.office.mails {
			got = append(got, m.To+": "+m.Subject+": "+regexp.MustCompile(`news of .*`).FindString(m.Text))
		}
		want := []string{
			"a@example.org: router is unhealthy: news of 2 others that depend on it",
			"b@example.org: router is unhealthy: news of 2 others that depend on it",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestDependenceInACircle: whoever depends on himself, through others or not, is told
// of all the same.
func TestDependenceInACircle(t *testing.T) {
	for name, dependsOn := range map[string]map[string][]string{
		"itself": {"a": {"a"}},
		"two":    {"a": {"b"}, "b": {"a"}},
		"three":  {"a": {"b"}, "b": {"c"}, "c": {"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Options{Interval: -1, Wait: -1})
				defer func() { w.stop() }()
				for name := range dependsOn {
					w.set(name, health.Healthy)
				}
				w.set("below", health.Healthy)
				for name, parents := range dependsOn {
					w.subjects[name].DependsOn = parents
				}
				w.subjects["below"].DependsOn = []string{"a"}
				w.pass(10 * time.Second)
				w.set("a", health.Unhealthy)
				w.pass(time.Minute)
				w.expect("ops@example.org: a is unhealthy")
				w.set("below", health.Unhealthy)
				w.pass(time.Minute)
				w.expect()
				if len(dependsOn) > 1 {
					w.set("b", health.Unhealthy)
					w.pass(time.Minute)
					w.expect("ops@example.org: b is unhealthy")
				}
			})
		})
	}
}

// TestHeldBackByTheLast: only what is bad holds news back, also in a mail that tells of
// a recovery before.
func TestHeldBackByTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Interval: -1, Wait: time.Minute})
		defer func() { w.stop() }()
		for _, name := range []string{"router", "nas"} {
			w.set(name, health.Healthy)
		}
		w.subjects["nas"].DependsOn = []string{"router"}
		w.pass(10 * time.Second)
		for _, state := range []health.Verdict{health.Degraded, health.Healthy, health.Unhealthy} {
			w.set("router", state)
			w.pass(5 * time.Second)
		}
		w.set("nas", health.Unhealthy)
		w.pass(2 * time.Minute)
		if len(w.office.mails) != 1 {
			t.Fatalf("%d mails", len(w.office.mails))
		}
		// The first and the last are bad.
		if got := regexp.MustCompile(`news of 1 other`).FindAllString(w.office.mails[0].Text, -1); len(got) != 2 {
			t.Errorf("said %d times in\n%s", len(got), w.office.mails[0].Text)
		}
	})
}

// TestParentsThatExplainNothing: a parent that only warns works, and of one that is
// paused nobody knows: they silence nobody.
func TestParentsThatExplainNothing(t *testing.T) {
	for name, test := range map[string]struct {
		parent   alerting.Subject
		silences bool
	}{
		"unhealthy":            {alerting.Subject{State: health.Unhealthy}, true},
		"degraded":             {alerting.Subject{State: health.Degraded}, true},
		"only warns":           {alerting.Subject{State: health.Degraded, OnlyWarns: true}, false},
		"paused and unhealthy": {alerting.Subject{State: health.Unhealthy, Paused: true}, false},
		"paused and degraded":  {alerting.Subject{State: health.Degraded, Paused: true}, false},
		"unknown":              {alerting.Subject{State: health.Unknown}, false},
		"healthy":              {alerting.Subject{State: health.Healthy}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Options{Interval: -1, Wait: -1})
				defer func() { w.stop() }()
				parent := test.parent
				parent.Kind, parent.Name = alerting.Target, "router"
				w.subjects["router"] = &parent
				w.set("nas", health.Healthy)
				w.subjects["nas"].DependsOn = []string{"router"}
				w.pass(10 * time.Second)
				w.office.taken()
				w.set("nas", health.Unhealthy)
				w.pass(time.Minute)
				if got := w.office.taken(); (len(got) == 0) != test.silences {
					t.Errorf("told %q", got)
				}
			})
		})
	}
}
