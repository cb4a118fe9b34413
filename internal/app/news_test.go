package app

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// hearer notes what it was offered, unless it cannot.
type hearer struct {
	deaf, full error // of Update and Offer
	heard      []string
}

func (h *hearer) Update([]alerting.Subject) error { return h.deaf }

func (h *hearer) Offer(changes map[string][]alerting.Change) error {
	if h.full == nil {
		for key, list := range changes {
			h.heard = append(h.heard, key+" "+list[len(list)-1].To.String())
		}
	}
	return h.full
}

// newsOf are subjects by name, with one change each.
type newsOf map[string]health.Verdict

func (all newsOf) tell(n *news, to listener, now time.Time) {
	var subjects []alerting.Subject
	for name := range all {
		subjects = append(subjects, alerting.Subject{Kind: alerting.Target, Name: name})
	}
	n.tell(to, subjects, func(_ alerting.Kind, name string) []schedule.Transition {
		if to, known := all[name]; known {
			return []schedule.Transition{{Time: now, To: to}}
		}
		return nil
	})
}

// TestNewsAreToldAgain: what the outbox could not take in is told the next time, and
// what it did take in is not.
func TestNewsAreToldAgain(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, fail := range map[string]hearer{"Update fails": {deaf: errors.New("full")}, "Offer fails": {full: errors.New("full")}} {
		t.Run(name, func(t *testing.T) {
			n, to := news{offered: map[string]time.Time{}}, fail
			all := newsOf{"nas": health.Unhealthy}
			all.tell(&n, &to, now)
			if len(to.heard) > 0 {
				t.Errorf("told %q of subjects that it could not take in", to.heard)
			}
			to.deaf, to.full = nil, nil
			all.tell(&n, &to, now)
			all.tell(&n, &to, now)
			if diff := cmp.Diff([]string{alerting.Key(alerting.Target, "nas") + " unhealthy"}, to.heard); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestNewsForgetsTheGone: targets come and go under ever new names.
func TestNewsForgetsTheGone(t *testing.T) {
	now := time.Now()
	n, to := news{offered: map[string]time.Time{}}, hearer{}
	for _, name := range []string{"pod-1", "pod-2", "pod-3", "pod-4"} {
		newsOf{name: health.Healthy, "nas": health.Healthy}.tell(&n, &to, now)
	}
	newsOf{"nas": health.Healthy}.tell(&n, &to, now)
	if want := map[string]time.Time{alerting.Key(alerting.Target, "nas"): now}; !cmp.Equal(want, n.offered) {
		t.Errorf("remembers %v", n.offered)
	}
	if len(to.heard) != 5 {
		t.Errorf("heard %q", to.heard)
	}
}

// TestNewsOfTheGone: what became of a target that is gone, while it was there, is no
// news; that it is gone its subject tells.
func TestNewsOfTheGone(t *testing.T) {
	now := time.Now()
	n, to := news{offered: map[string]time.Time{}}, hearer{}
	gone := []alerting.Subject{{Kind: alerting.Target, Name: "nas", Gone: now}}
	n.tell(&to, gone, func(alerting.Kind, string) []schedule.Transition {
		return []schedule.Transition{{Time: now, To: health.Unhealthy}}
	})
	if len(to.heard) > 0 {
		t.Errorf("heard %q", to.heard)
	}
}
