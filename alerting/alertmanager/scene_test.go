package alertmanager

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
)

// scene is subjects and what alerts they give, in time that is made up.
type scene struct {
	subjects map[string]*alerting.Subject
	memory   *Memory
	journal  journal
	disk     disk
	now      time.Time
}

func newScene() *scene {
	return &scene{
		subjects: map[string]*alerting.Subject{}, memory: new(Memory), journal: journal{}, disk: disk{},
		now: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC),
	}
}

// set gives a subject its state; the name of a check begins with "check".
func (w *scene) set(name string, state health.Verdict) *alerting.Subject {
	s := w.subjects[name]
	if s == nil {
		s = &alerting.Subject{Kind: alerting.Target, Name: name, Email: "a@example.org"}
		if strings.HasPrefix(name, "check") {
			s.Kind = alerting.Check
		}
		w.subjects[name] = s
	}
	if s.State != state || s.Since.IsZero() {
		s.State, s.Since = state, w.now
	}
	return s
}

// list are the subjects, in order.
func (w *scene) list() []alerting.Subject {
	var list []alerting.Subject
	for _, name := range slices.Sorted(maps.Keys(w.subjects)) {
		list = append(list, *w.subjects[name])
	}
	return list
}

// look gives the alerts that fire as "name state", with the address if it is another.
func (w *scene) look() string {
	var list []string
	for _, a := range firing(w.list(), w.memory, w.journal, "x:1", w.now) {
		text := a.Labels["target"] + a.Labels["check"] + " " + a.Labels["state"]
		if email := a.Labels["email"]; email != "a@example.org" && a.Labels["check"] == "" {
			text += " " + email
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

// pass lets time go by, with a look each 15 seconds.
func (w *scene) pass(d time.Duration) {
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(min(15*time.Second, end.Sub(w.now)))
		w.look()
	}
}

// restart forgets all but what was saved.
func (w *scene) restart(t *testing.T) {
	t.Helper()
	w.memory = w.disk.restart(t, w.memory)
}

// sceneStep is something that happens, and what fires then.
type sceneStep struct {
	after time.Duration
	do    func(*scene)
	want  string
}

func state(name string, v health.Verdict) func(*scene) {
	return func(w *scene) { w.set(name, v) }
}

func stalled(name string, yes bool) func(*scene) {
	return func(w *scene) { w.subjects[name].Stalled = yes }
}

func paused(name string, yes bool) func(*scene) {
	return func(w *scene) { w.subjects[name].Paused = yes }
}

func remove(name string) func(*scene) {
	return func(w *scene) { delete(w.subjects, name) }
}

const (
	unknown   = health.Unknown
	healthy   = health.Healthy
	degraded  = health.Degraded
	unhealthy = health.Unhealthy
)

// mutate does something at random.
func (w *scene) mutate(rnd *rand.Rand) {
	w.now = w.now.Add(time.Duration(rnd.IntN(120_000))*time.Millisecond - 5*time.Second)
	name := []string{"nas", "tv", "check a", "check b"}[rnd.IntN(4)]
	s := w.set(name, health.Verdicts()[rnd.IntN(4)])
	switch rnd.IntN(12) {
	case 0:
		s.Paused = !s.Paused
	case 1:
		s.Email = []string{"", "a@example.org", "b@example.org"}[rnd.IntN(3)]
	case 2:
		delete(w.subjects, name)
	case 3:
		s.Stalled = !s.Stalled
	case 4:
		w.now = w.now.Add(20 * time.Minute)
	}
}

// disk is what was saved of a Memory.
type disk map[string][]byte

// restart is what a Memory is after the program was started again.
func (d disk) restart(t *testing.T, m *Memory) *Memory {
	t.Helper()
	parts, err := m.changes()
	if err != nil {
		t.Fatal(err)
	}
	for key, part := range parts {
		if d[key] = part; part == nil {
			delete(d, key)
		}
	}
	again := new(Memory)
	if err := again.restore(d); err != nil {
		t.Fatal(err)
	}
	return again
}

// journal says what has happened since the last look, as the events of a journal do.
type journal map[string]noted

// noted is a subject as it was at the last look, and since when it is not probed.
type noted struct {
	subject      alerting.Subject
	stalledSince time.Time
}

// round is what a look has to go by: nothing of those of which nothing is remembered and
// nothing has happened.
func (j journal) round(subjects []alerting.Subject, memory *Memory, now time.Time) *round {
	r := &round{before: map[string]glimpse{}}
	there := map[string]bool{}
	for i := range subjects {
		s := &subjects[i]
		key := s.Key()
		if there[key] {
			continue
		}
		old, known := j[key]
		happened := !known || old.subject.State != s.State || old.subject.Gone != s.Gone || old.subject.Email != s.Email
		g := glimpse{state: s.State}
		if known {
			g.state, g.moved, g.to, g.at = old.subject.State, old.subject.State != s.State, s.State, s.Since
		}
		since := alerting.StalledSince(s, old.stalledSince, now)
		if !since.IsZero() && now.Sub(since).Abs() >= alerting.StalledAfter {
			happened, g.stalledSince = true, since
		}
		j[key], there[key] = noted{*s, since}, true
		if happened {
			r.before[key] = g
		}
		if happened || s.Kind == alerting.Check || memory.subjects[key] != nil {
			r.subjects = append(r.subjects, *s)
		}
	}
	for key, old := range j {
		if !there[key] {
			r.before[key] = glimpse{state: old.subject.State, removed: &old.subject}
			delete(j, key)
		}
	}
	r.removed = func(string) bool { return true } // all are there from the start
	return r
}

// firing are the alerts that fire now. It brings memory up to date with what it is
// shown, so it has to be called again and again.
func firing(subjects []alerting.Subject, memory *Memory, j journal, instance string, now time.Time) (list []Alert) {
	for _, s := range memory.look(j.round(subjects, memory, now), instance, now, 0) {
		for _, a := range s.alerts {
			if a.EndsAt.IsZero() {
				list = append(list, a)
			}
		}
	}
	return list
}
