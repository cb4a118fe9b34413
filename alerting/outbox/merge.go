package outbox

import (
	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
)

// place is a subject with one of those who are told of it.
type place struct{ key, to string }

func placeOf(e *entry) place { return place{e.Notice.Subject.Key(), e.To} }

// group is what of one place is put together.
type group struct {
	at     int // of the first entry, which the others become part of
	merged bool
	over   bool // nothing is left to tell
}

// merge puts together what waits of a subject for a recipient: what counts is what was
// before and what is now, and nothing is told if that is the same. It leaves alone what
// is not chosen, what may have been told already, and what is in a letter that waits to
// be taken up. That a subject was removed or lost is told as it is, and what comes after
// it does not undo what was before. mu is held.
func (o *Outbox) merge(chosen func(*entry) bool) {
	posted := map[uint64]bool{}
	for _, l := range o.letters {
		for _, seq := range l.seqs {
			posted[seq] = true
		}
	}
	c := &changes{}
	groups := map[place]*group{}
	begun := map[int]*group{} // by the place in kept
	kept := make([]entry, 0, len(o.queue))
	for i := range o.queue {
		e := &o.queue[i]
		at := placeOf(e)
		switch g := groups[at]; {
		case e.Batch != 0 || posted[e.Seq] || !chosen(e):
		case e.Notice.What == alerting.Unregistered || e.Notice.What == alerting.Departed:
			delete(groups, at)
		case g == nil && e.Notice.What == alerting.Calm: // that it was flapping was told
		case g == nil:
			g = &group{at: len(kept)}
			groups[at], begun[g.at] = g, g
		default:
			g.merged, g.over = true, absorb(&kept[g.at].Notice, &e.Notice)
			c.drop = append(c.drop, e.Seq)
			continue
		}
		kept = append(kept, *e)
	}
	o.queue = kept[:0]
	for i, e := range kept {
		switch g := begun[i]; {
		case g != nil && g.over:
			c.drop = append(c.drop, e.Seq)
			continue
		case g != nil && g.merged:
			c.add = append(c.add, e)
		}
		o.queue = append(o.queue, e)
	}
	clear(kept[len(o.queue):]) // of what is dropped nothing is kept in memory
	o.note(c)
}

// absorb makes first tell of next too, and reports whether nothing is left to tell.
func absorb(first, next *alerting.Notice) (over bool) {
	if opens(first) {
		first.From = health.Healthy // nobody was told otherwise
	}
	reminds := first.What == alerting.Reminder && next.What == alerting.Reminder
	first.To, first.Time, first.Reason, first.Subject = next.To, next.Time, next.Reason, next.Subject
	first.WasHeld = first.WasHeld || next.WasHeld
	same := first.From == first.To && first.To != health.Unknown
	switch {
	case next.What == alerting.Flapping && !first.WasHeld: // its state says little
		first.What = alerting.Flapping
		return false
	case reminds:
		return false
	}
	first.What = alerting.Changed
	return same
}

// opens reports whether a notice is the first that its recipient is given of an outage.
func opens(n *alerting.Notice) bool {
	if n.What != alerting.Changed && n.What != alerting.Flapping || n.To == health.Healthy && n.From != health.Healthy {
		return false
	}
	switch {
	case n.From == n.To && alerting.Bad(n.To): // another one was told of it before
		return true
	case n.To == health.Unknown: // not probed, from then on
		return n.BadSince.Equal(n.Time.Add(-alerting.StalledAfter))
	}
	return !n.BadSince.Before(n.Time)
}
