package outbox

import (
	"time"

	"github.com/health-exporter/health_exporter/alerting"
)

// held reports whether nothing shall be told of a subject now; mu is held.
func (o *Outbox) held(s *alerting.Subject, now time.Time) bool {
	return o.maintained(s, now) || len(o.badParents(s)) > 0
}

// maintained reports whether maintenance of the subject is going on; mu is held.
func (o *Outbox) maintained(s *alerting.Subject, now time.Time) bool {
	return o.opts.Hold != nil && o.opts.Hold(s, now)
}

// badParents are the keys of what is down and without which the subject cannot be
// well: then it is no news that it is not. In a circle nobody explains anybody. mu is
// held.
func (o *Outbox) badParents(s *alerting.Subject) (bad []string) {
	for key, parent := range o.ancestors(s) {
		if alerting.Down(parent) && o.ancestors(parent)[s.Key()] == nil {
			bad = append(bad, key)
		}
	}
	return bad
}

// ancestors are what the subject depends on, directly or through others, by key; mu is
// held.
func (o *Outbox) ancestors(s *alerting.Subject) map[string]*alerting.Subject {
	if len(s.DependsOn) == 0 {
		return nil
	}
	found := map[string]*alerting.Subject{}
	var add func(names []string)
	add = func(names []string) {
		for _, name := range names {
			for _, kind := range []alerting.Kind{alerting.Target, alerting.Check} {
				key := alerting.Key(kind, name)
				if found[key] != nil {
					continue
				}
				if parent := o.opts.Subject(kind, name); parent != nil {
					found[key] = parent
					add(parent.DependsOn)
				}
			}
		}
	}
	add(s.DependsOn)
	return found
}
