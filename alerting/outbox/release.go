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

// release puts together what was held of a subject and is not any more: what counts
// is what was before and what is now. mu is held.
func (o *Outbox) release(now time.Time) {
	type place struct{ key, to string }
	held := map[place]bool{}
	for i := range o.queue {
		e := &o.queue[i]
		if e.Batch != 0 {
			continue
		}
		if o.held(o.subjectOf(e), now) && !e.Notice.WasHeld {
			e.Notice.WasHeld = true // need not be on disk: it is found out again
		}
		if e.Notice.WasHeld && !o.held(o.subjectOf(e), now) {
			held[place{e.Notice.Subject.Key(), e.To}] = true
		}
	}
	if len(held) == 0 {
		return
	}
	c := &changes{}
	first := map[place]int{}
	var kept []entry
	for _, e := range o.queue {
		at := place{e.Notice.Subject.Key(), e.To}
		if !held[at] || e.Batch != 0 || e.Notice.What == alerting.Unregistered || e.Notice.What == alerting.Departed {
			kept = append(kept, e)
			continue
		}
		i, ok := first[at]
		if !ok {
			e.Notice.WasHeld = false
			first[at] = len(kept)
			kept = append(kept, e)
			continue
		}
		merged := &kept[i].Notice
		merged.To, merged.Time, merged.Reason, merged.Subject = e.Notice.To, e.Notice.Time, e.Notice.Reason, e.Notice.Subject
		merged.What = alerting.Changed
		c.drop = append(c.drop, e.Seq)
	}
	o.queue = kept[:0]
	for _, e := range kept {
		if _, merged := first[place{e.Notice.Subject.Key(), e.To}]; merged && e.Notice.What == alerting.Changed && sameVerdict(e.Notice.From, e.Notice.To) {
			c.drop = append(c.drop, e.Seq)
			continue
		}
		if _, merged := first[place{e.Notice.Subject.Key(), e.To}]; merged {
			c.add = append(c.add, e)
		}
		o.queue = append(o.queue, e)
	}
	o.note(c)
}

// sameVerdict reports whether nothing has changed for whoever reads of it: a subject
// that was never told of is as good as healthy.
func sameVerdict(a, b health.Verdict) bool {
	if a == health.Unknown {
		a = health.Healthy
	}
	return a == b
}
