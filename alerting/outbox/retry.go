package outbox

import (
	"errors"
	"slices"
	"time"

	"github.com/health-exporter/health_exporter/alerting/mail"
)

// settle notes what came of a letter. What was broken off because the program ends is
// sent after the next start.
func (o *Outbox) settle(l *letter, err error, brokenOff bool) {
	defer func() { _ = o.flush(nil) }() // which has complained
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	delete(o.underWay, l)
	r := o.recipient(l.to)
	r.busy, r.gaveUp = false, time.Time{}
	if err == nil {
		r.slow = now.Sub(l.begun) > slowAfter
		r.mailed, r.pause, r.retryAt, r.problem = now, 0, time.Time{}, ""
		o.pause, o.retryAt, o.serverProblem = 0, time.Time{}, ""
		o.stats.Sent++
		o.remove(&changes{drop: l.seqs})
		return
	}
	failure := failureOf(err)
	if !failure.Uncertain && failure.Temporary {
		o.thaw(l)
	}
	switch {
	case brokenOff && failure.Temporary:
	case !failure.Temporary:
		r.pause, r.retryAt, r.problem, r.gaveUp = 0, time.Time{}, err.Error(), now
		o.fail(l, err)
	default:
		o.stats.Failed[string(failure.Reason)]++
		o.complain("mail", err)
		o.rest(r, failure, now, now.Sub(l.begun) > slowAfter)
	}
}

// rest has the recipient wait, or everybody if it is the server that has failed; mu is
// held.
func (o *Outbox) rest(r *recipient, failure *mail.SendError, now time.Time, slow bool) {
	if failure.OfMail() {
		r.slow, r.problem = slow, failure.Error()
		r.pause, r.retryAt = longer(r.pause, now)
		return
	}
	o.serverProblem = failure.Error()
	if !now.Before(o.retryAt) { // of several at once only the first counts
		o.pause, o.retryAt = longer(o.pause, now)
	}
}

// freeze has the entries of a letter that is put on the wire told together and unchanged
// from now on: the server may take it, although we do not live to hear of it. mu is held.
func (o *Outbox) freeze(l *letter) {
	c, mine := &changes{}, setOf(l.seqs)
	for i := range o.queue {
		if e := &o.queue[i]; e.Batch == 0 && mine[e.Seq] {
			e.Batch = l.seqs[0]
			c.add = append(c.add, *e)
			l.thaws = true
		}
	}
	o.note(c)
}

// thaw lets the entries of a letter be told as it seems best, since the server has not
// taken it, this time or before. mu is held.
func (o *Outbox) thaw(l *letter) {
	if !l.thaws {
		return
	}
	c, mine := &changes{}, setOf(l.seqs)
	for i := range o.queue {
		if e := &o.queue[i]; mine[e.Seq] {
			e.Batch = 0
			c.add = append(c.add, *e)
		}
	}
	o.note(c)
}

// fail gives up on a letter; mu is held.
func (o *Outbox) fail(l *letter, err error) {
	o.stats.Failed[string(failureOf(err).Reason)]++
	o.stats.Dropped += uint64(len(l.seqs))
	o.complain("mail to "+l.to, err)
	o.remove(&changes{drop: l.seqs})
}

// remove takes entries off the queue; mu is held.
func (o *Outbox) remove(c *changes) {
	if len(c.drop) == 0 {
		return
	}
	gone := setOf(c.drop)
	o.queue = slices.DeleteFunc(o.queue, func(e entry) bool { return gone[e.Seq] })
	o.note(c)
}

func setOf(seqs []uint64) map[uint64]bool {
	set := make(map[uint64]bool, len(seqs))
	for _, seq := range seqs {
		set[seq] = true
	}
	return set
}

// failureOf is why a mail was not sent.
func failureOf(err error) *mail.SendError {
	if failure, ok := errors.AsType[*mail.SendError](err); ok {
		return failure
	}
	return &mail.SendError{Temporary: true, Reason: "internal", Text: err.Error()}
}
