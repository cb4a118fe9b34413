package outbox

import (
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
)

// waiting groups by recipient what may be told now, and notes on each of how many
// others the news is held because of it; mu is held.
func (o *Outbox) waiting(now time.Time) (byRecipient map[string][]entry, order []string) {
	byRecipient = map[string][]entry{}
	explained := map[string]map[string]bool{} // by the key of what is down, the keys of the others
	for _, e := range o.queue {
		if e.Batch != 0 { // it may have been told already
			byRecipient, order = grouped(byRecipient, order, e)
			continue
		}
		subject := o.subjectOf(&e)
		if o.maintained(subject, now) {
			continue
		}
		if down := o.badParents(subject); len(down) > 0 {
			for _, key := range down {
				if explained[key] == nil {
					explained[key] = map[string]bool{}
				}
				explained[key][subject.Key()] = true
			}
			continue
		}
		byRecipient, order = grouped(byRecipient, order, e)
	}
	for _, entries := range byRecipient {
		for i := range entries {
			if n := &entries[i].Notice; n.To != health.Healthy {
				n.Held = len(explained[n.Subject.Key()])
			}
		}
	}
	return byRecipient, order
}

func grouped(byRecipient map[string][]entry, order []string, e entry) (map[string][]entry, []string) {
	if byRecipient[e.To] == nil {
		order = append(order, e.To)
	}
	byRecipient[e.To] = append(byRecipient[e.To], e)
	return byRecipient, order
}

// subjectOf is the subject as it is now, or as it was when it is gone; mu is held.
func (o *Outbox) subjectOf(e *entry) *alerting.Subject {
	if s := o.opts.Subject(e.Notice.Subject.Kind, e.Notice.Subject.Name); s != nil {
		return s
	}
	return &e.Notice.Subject
}

// release puts together what was held of a subject and is not any more; mu is held.
func (o *Outbox) release(now time.Time) {
	freed := map[place]bool{}
	for i := range o.queue {
		e := &o.queue[i]
		if e.Batch != 0 {
			continue
		}
		held := o.held(o.subjectOf(e), now)
		switch {
		case held:
			e.Notice.WasHeld = true // need not be on disk: it is found out again
		case e.Notice.WasHeld:
			freed[placeOf(e)] = true
		}
	}
	if len(freed) == 0 {
		return
	}
	o.merge(func(e *entry) bool { return freed[placeOf(e)] })
	for i := range o.queue {
		if e := &o.queue[i]; freed[placeOf(e)] {
			e.Notice.WasHeld = false
		}
	}
}

// summarize leaves of too many entries of one recipient, which are all that may be told
// now, what is not over yet. mu is held.
func (o *Outbox) summarize(entries []entry) []entry {
	mine, held := map[uint64]bool{}, map[string]int{}
	for i := range entries {
		e := &entries[i]
		mine[e.Seq] = true
		held[e.Notice.Subject.Key()] = max(held[e.Notice.Subject.Key()], e.Notice.Held)
	}
	o.merge(func(e *entry) bool { return mine[e.Seq] })
	var left []entry
	for _, e := range o.queue {
		if !mine[e.Seq] {
			continue
		}
		if n := &e.Notice; n.To != health.Healthy {
			n.Held = held[n.Subject.Key()]
		}
		left = append(left, e)
	}
	return left
}
