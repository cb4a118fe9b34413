package outbox

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/alerting/mail"
	"github.com/health-exporter/health_exporter/health"
)

const (
	firstPause = 5 * time.Second
	longPause  = 5 * time.Minute
	maxPerMail = 500 // notices
	maxMails   = 50  // over one connection
)

// Run delivers until ctx is done.
func (o *Outbox) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.wake:
		case <-timer.C:
		}
		timer.Reset(o.round(ctx))
	}
}

// round sends what is due and says when to look again.
func (o *Outbox) round(ctx context.Context) time.Duration {
	batches, mails, sender, again := o.due(time.Now())
	if len(mails) == 0 || ctx.Err() != nil {
		return again
	}
	sending, stop := graceful(ctx)
	defer stop()
	errs := sender.SendAll(sending, mails)
	o.settle(batches, errs, sending.Err() != nil)
	return 0
}

// grace is how long a mail under way may take to its end when the program ends.
const grace = 3 * time.Second

// graceful is a context that ends a while after another one.
func graceful(ctx context.Context) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(grace):
			cancel()
		case <-later.Done():
		}
	})
	return later, func() {
		unhook()
		cancel()
	}
}

// batch are the entries that one mail tells of.
type batch struct {
	to   string
	seqs []uint64
}

// due collects what is to be sent now, a mail for each recipient.
func (o *Outbox) due(now time.Time) (batches []batch, mails []*mail.Message, sender Sender, again time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	again = time.Minute
	if wait := o.retryAt.Sub(now); wait > 0 {
		return nil, nil, nil, wait
	}
	o.release(now)
	byRecipient, order := o.waiting(now)
	for _, to := range order {
		entries := byRecipient[to]
		ready := entries[0].Notice.Time.Add(max(0, o.opts.Wait))
		if last, ok := o.mailed[to]; ok {
			if next := last.Add(max(0, o.opts.Interval)); next.After(ready) {
				ready = next
			}
		}
		if wait := ready.Sub(now); wait > 0 && wait <= max(o.opts.Wait, o.opts.Interval) {
			again = min(again, wait)
			continue
		}
		entries = entries[:min(len(entries), maxPerMail)]
		b := batch{to: to}
		notices := make([]alerting.Notice, len(entries))
		for i, e := range entries {
			notices[i] = e.Notice
			b.seqs = append(b.seqs, e.Seq)
		}
		message, err := o.opts.Templates.Compose(to, notices, now)
		if err != nil && message == nil {
			o.fail(b, composeError(err))
			continue
		}
		if err != nil { // the operator's template failed, and a shipped one was used
			o.complain("template", err)
		}
		batches, mails = append(batches, b), append(mails, message)
		if len(mails) == maxMails {
			break
		}
	}
	return batches, mails, o.opts.Sender, again
}

// waiting groups by recipient what may be told now, and notes on each of how many
// others the news is held because of it; mu is held.
func (o *Outbox) waiting(now time.Time) (byRecipient map[string][]entry, order []string) {
	byRecipient = map[string][]entry{}
	explained := map[string]map[string]bool{} // by the key of what is down, the keys of the others
	for _, e := range o.queue {
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
		if byRecipient[e.To] == nil {
			order = append(order, e.To)
		}
		byRecipient[e.To] = append(byRecipient[e.To], e)
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

// subjectOf is the subject as it is now, or as it was when it is gone; mu is held.
func (o *Outbox) subjectOf(e *entry) *alerting.Subject {
	if s := o.current[e.Notice.Subject.Key()]; s != nil {
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
		if !held[at] || e.Notice.What == alerting.Unregistered || e.Notice.What == alerting.Departed {
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
	if err := o.store.write(c); err != nil {
		o.complain("disk", err)
	}
}

// sameVerdict reports whether nothing has changed for whoever reads of it: a subject
// that was never told of is as good as healthy.
func sameVerdict(a, b health.Verdict) bool {
	if a == health.Unknown {
		a = health.Healthy
	}
	return a == b
}

// settle notes what came of a round. What was broken off because the program ends is
// sent after the next start.
func (o *Outbox) settle(batches []batch, errs []error, brokenOff bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := &changes{}
	now := time.Now()
	trouble := false
	for i, b := range batches {
		err := errs[i]
		if err == nil {
			o.stats.Sent++
			o.mailed[b.to] = now
			c.drop = append(c.drop, b.seqs...)
			continue
		}
		reason, temporary := reasonOf(err)
		if brokenOff && temporary {
			continue
		}
		o.stats.Problem = err.Error()
		if temporary {
			o.stats.Failed[reason]++
			o.complain("mail", err)
			trouble = true
			continue
		}
		o.fail(b, err)
	}
	if trouble {
		o.pause = min(max(firstPause, 2*o.pause), longPause)
		o.retryAt = now.Add(o.pause - time.Duration(rand.Int64N(int64(o.pause)/5)))
	} else {
		o.pause, o.retryAt = 0, time.Time{}
		if len(c.drop) > 0 {
			o.stats.Problem = ""
		}
	}
	o.remove(c)
}

// fail gives up on a mail; mu is held.
func (o *Outbox) fail(b batch, err error) {
	reason, _ := reasonOf(err)
	o.stats.Failed[reason]++
	o.stats.Dropped += uint64(len(b.seqs))
	o.complain("mail to "+b.to, err)
	o.remove(&changes{drop: b.seqs})
}

// remove takes entries off the queue; mu is held.
func (o *Outbox) remove(c *changes) {
	if len(c.drop) == 0 {
		return
	}
	gone := make(map[uint64]bool, len(c.drop))
	for _, seq := range c.drop {
		gone[seq] = true
	}
	o.queue = slices.DeleteFunc(o.queue, func(e entry) bool { return gone[e.Seq] })
	if err := o.store.write(c); err != nil {
		o.complain("disk", err)
	}
}
