package alertmanager

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
)

// Memory is what the alerts depend on besides the present: whose bad news has
// been told, who has gone and when, who keeps changing, which alert fires since when.
// Of targets that are well and have been so for a while it has nothing. The zero value
// remembers nothing. Restored from what changes has given it is the same, so that a
// restart changes nothing. It is not safe for concurrent use.
type Memory struct {
	subjects map[string]*remembered // by key
	checks   checksMemory
	cursor   cursor
	looks    uint64          // tells who has been seen by the last look
	changed  map[string]bool // keys that were not saved since they changed
}

// checksKey is what all checks together are kept under, and cursorKey how far the journal
// was read. No key of a subject is like them.
const (
	checksKey = "checks"
	cursorKey = "cursor"
)

// checksMemory reports whether any check is bad, or was until when: others may depend
// on that one, and not be run for that reason.
type checksMemory struct {
	Bad   bool      `json:"bad,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// round is what a look has to go by.
type round struct {
	// subjects are as they are now: all of which something is remembered, or has changed.
	subjects []alerting.Subject
	// before says of those that were not remembered how they were.
	before map[string]glimpse
	// removed reports whether one that is not among the subjects exists no more. One that
	// does may not have been found yet since the start: then its alerts go on.
	removed func(key string) bool
}

// glimpse is what is known of a subject that was not remembered.
type glimpse struct {
	state health.Verdict
	// moved is whether its state has changed since, and to and at to which and when.
	moved        bool
	to           health.Verdict
	at           time.Time
	stalledSince time.Time         // zero if it is not
	removed      *alerting.Subject // how it was; nil if it was not removed
	forgotten    bool              // it was lost, and that is over
}

// look takes in what the subjects are like now and gives the stories there are to
// tell: in the order of the subjects, and then those of subjects that have gone.
// Alerts that have ended stay in them for the retention.
func (m *Memory) look(r *round, instance string, now time.Time, retention time.Duration) []story {
	if m.subjects == nil {
		m.subjects = map[string]*remembered{}
	}
	now = plainTime(now)
	m.looks++
	m.lookAtChecks(r.subjects, now)
	var stories []story
	take := func(key string, r *remembered, next facts) {
		ended := dropEnded(r.Ended, now, retention)
		r.seen = m.looks
		if next != r.facts {
			m.note(key)
		}
		r.facts, r.Ended = next, ended
		if len(r.Ended) > 0 || r.Firing.State != "" {
			stories = append(stories, r.tell(key, instance))
		}
	}
	for i := range r.subjects {
		s := r.subjects[i]
		key := s.Key()
		known := m.subjects[key] != nil
		old := m.remember(key, r.before)
		if old.seen == m.looks {
			continue // named twice
		}
		old.link = s.Link
		m.asRead(key, old, known, &s, r.before[key])
		take(key, old, old.next(&s, m.checks.waiting(s.Interval, now), now))
		if alerting.Target == s.Kind && old.closed(now) {
			m.drop(key)
		}
	}
	for key, g := range r.before {
		if g.removed != nil {
			m.remember(key, r.before)
		}
	}
	for _, key := range m.missing() {
		old := m.subjects[key]
		if !r.removed(key) {
			take(key, old, old.facts)
			continue
		}
		kind, _ := alerting.SplitKey(key)
		old.Read = nil // another one of this name is not this one
		take(key, old, old.gone(kind, now))
		if !near(old.Gone, now, max(alerting.FlappingWindow, toldFor)) && old.Firing.State == "" && len(old.Ended) == 0 {
			m.drop(key)
		}
	}
	return stories
}

// asRead gives the subject the state that the journal says it has: what has happened since
// may be lost if the program is killed, and must not be told before.
func (m *Memory) asRead(key string, r *remembered, known bool, s *alerting.Subject, g glimpse) {
	switch {
	case !s.Gone.IsZero():
	case g.moved:
		if s.State = g.to; !g.at.IsZero() {
			s.Since = g.at
		}
	case known && r.Read != nil:
		s.State = *r.Read
	}
	if r.Read == nil || *r.Read != s.State {
		r.Read = &s.State
		m.note(key)
	}
}

// remember has the subject remembered from now on, if it was not.
func (m *Memory) remember(key string, before map[string]glimpse) *remembered {
	r := m.subjects[key]
	g, glimpsed := before[key]
	if kind, _ := alerting.SplitKey(key); kind == alerting.Check {
		glimpsed = false // all of them are remembered, and know themselves
	}
	if r == nil {
		r = &remembered{unsaved: true}
		if glimpsed {
			r.State, r.Known = g.state, true
		}
		m.subjects[key] = r
		m.note(key)
	}
	if glimpsed && r.StalledSince.IsZero() && !g.stalledSince.IsZero() {
		r.StalledSince = plainTime(g.stalledSince)
	}
	if glimpsed && g.removed != nil && r.Email == "" {
		r.Email, r.link = g.removed.Email, g.removed.Link
	}
	return r
}

// drop forgets a subject.
func (m *Memory) drop(key string) {
	m.note(key)
	if m.subjects[key].unsaved {
		delete(m.changed, key)
	}
	delete(m.subjects, key)
}

// missing are the keys of those that the last look has not seen.
func (m *Memory) missing() []string {
	var keys []string
	for key, r := range m.subjects {
		if r.seen != m.looks {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

func (m *Memory) lookAtChecks(subjects []alerting.Subject, now time.Time) {
	bad := slices.ContainsFunc(subjects, func(s alerting.Subject) bool { return s.Kind == alerting.Check && alerting.Bad(s.State) })
	if bad == m.checks.Bad {
		return
	}
	m.checks = checksMemory{Bad: bad}
	if !bad {
		m.checks.Until = now
	}
	m.note(checksKey)
}

// waiting reports whether a check that is run every so often may be unknown because of
// another one.
func (c *checksMemory) waiting(interval time.Duration, now time.Time) bool {
	return c.Bad || near(c.Until, now, alerting.NotProbedAfter(interval))
}

func (m *Memory) note(key string) {
	if m.changed == nil {
		m.changed = map[string]bool{}
	}
	m.changed[key] = true
}

// changes are the parts that have changed since they were last asked for, in JSON;
// nil for those that are forgotten.
func (m *Memory) changes() (map[string][]byte, error) {
	parts := map[string][]byte{}
	for key := range m.changed {
		part, err := m.part(key)
		if err != nil {
			return nil, err
		}
		parts[key] = part
		if r := m.subjects[key]; r != nil {
			r.unsaved = false
		}
	}
	m.changed = nil
	return parts, nil
}

func (m *Memory) part(key string) ([]byte, error) {
	switch key {
	case checksKey:
		return json.Marshal(&m.checks)
	case cursorKey:
		return json.Marshal(&m.cursor)
	}
	if r := m.subjects[key]; r != nil {
		return json.Marshal(r)
	}
	return nil, nil
}

// restore reads parts as changes has made them. Those that cannot be read are left
// out and named in the error.
func (m *Memory) restore(parts map[string][]byte) error {
	*m = Memory{subjects: map[string]*remembered{}}
	var faults []error
	for key, part := range parts {
		if key == checksKey {
			if err := json.Unmarshal(part, &m.checks); err != nil {
				faults = append(faults, fmt.Errorf("reading what is remembered of the checks: %w", err))
			}
			continue
		}
		if key == cursorKey {
			if err := json.Unmarshal(part, &m.cursor); err != nil {
				faults = append(faults, fmt.Errorf("reading how far the journal was read: %w", err))
			}
			continue
		}
		r := new(remembered)
		if err := json.Unmarshal(part, r); err != nil {
			faults = append(faults, fmt.Errorf("reading what is remembered of %q: %w", key, err))
			continue
		}
		if kind, _ := alerting.SplitKey(key); kind == alerting.Check {
			r.StalledSince = time.Time{} // a program that was started again has to find out
		}
		m.subjects[key] = r
	}
	return errors.Join(faults...)
}
