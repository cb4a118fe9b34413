package app

import (
	"maps"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// news passes the changes of all subjects to an outbox, each once. It belongs to
// one goroutine.
type news struct {
	offered map[string]time.Time // the last change of each subject that the outbox has taken in
}

// listener receives changes; outbox.Outbox is one, and logs its own errors.
type listener interface {
	Update(subjects []alerting.Subject) error
	Offer(changes map[string][]alerting.Change) error
}

// tell passes on the subjects, and those changes of theirs that are new. changesOf
// are those of a subject that are on disk, oldest first. What could not be taken in is
// told again the next time.
func (n *news) tell(to listener, subjects []alerting.Subject, changesOf func(alerting.Kind, string) []schedule.Transition) {
	changes, offered := map[string][]alerting.Change{}, map[string]time.Time{}
	for i := range subjects {
		s := &subjects[i]
		if !s.Gone.IsZero() {
			continue
		}
		key, list := s.Key(), changesOf(s.Kind, s.Name)
		if len(list) == 0 || n.offered[key].Equal(list[len(list)-1].Time) {
			continue
		}
		changes[key], offered[key] = told(list), list[len(list)-1].Time
	}
	if to.Update(subjects) != nil || to.Offer(changes) != nil {
		return
	}
	maps.Copy(n.offered, offered)
	if len(n.offered) > len(subjects) {
		// Not before their changes are forgotten: they might be told anew.
		maps.DeleteFunc(n.offered, func(key string, _ time.Time) bool { return len(changesOf(alerting.SplitKey(key))) == 0 })
	}
}

// told are the changes in the form in which listeners get them.
func told(list []schedule.Transition) []alerting.Change {
	changes := make([]alerting.Change, len(list))
	for i, t := range list {
		changes[i] = alerting.Change{Time: t.Time, From: t.From, To: t.To, Reason: t.Reason}
	}
	return changes
}
