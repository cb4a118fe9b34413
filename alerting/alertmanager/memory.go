package alertmanager

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
)

// Memory is what the alerts depend on besides the present: whose bad news has
// been told, who has gone and when, who keeps changing, which alert fires since when.
// The zero value remembers nothing. Restored from what changes has given it is the
// same, so that a restart changes nothing. It is not safe for concurrent use.
type Memory struct {
	subjects map[string]*remembered // by key
	checks   checksMemory
	looks    uint64          // tells who has been seen by the last look
	changed  map[string]bool // keys that were not saved since they changed
}

// checksKey is what all checks together are kept under. No key of a subject is like it.
const checksKey = "checks"

// checksMemory reports whether any check is bad, or was until when: others may depend
// on that one, and not be run for that reason.
type checksMemory struct {
	Bad   bool      `json:"bad,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// look takes in what the subjects are like now and gives the stories there are to
// tell: in the order of the subjects, and then those of subjects that have gone.
// Alerts that have ended stay in them for the retention.
func (m *Memory) look(subjects []alerting.Subject, instance string, now time.Time, retention time.Duration) []story {
	if m.subjects == nil {
		m.subjects = map[string]*remembered{}
	}
	now = plainTime(now)
	m.looks++
	m.lookAtChecks(subjects, now)
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
	for i := range subjects {
		s := &subjects[i]
		key := s.Key()
		r := m.subjects[key]
		if r == nil {
			r = new(remembered)
			m.subjects[key] = r
			m.note(key)
		}
		if r.seen == m.looks {
			continue // named twice
		}
		r.link = s.Link
		take(key, r, r.next(s, m.checks.waiting(s.Interval, now), now))
	}
	for _, key := range m.missing() {
		r := m.subjects[key]
		kind, _ := alerting.SplitKey(key)
		next := r.gone(kind, now)
		take(key, r, next)
		if !near(r.Gone, now, max(alerting.FlappingWindow, toldFor)) && r.Firing.State == "" && len(r.Ended) == 0 {
			delete(m.subjects, key)
			m.note(key)
		}
	}
	return stories
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
	}
	m.changed = nil
	return parts, nil
}

func (m *Memory) part(key string) ([]byte, error) {
	if key == checksKey {
		return json.Marshal(&m.checks)
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
