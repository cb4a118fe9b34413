package outbox

import (
	"context"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/alerting/mail"
)

const (
	firstPause = 5 * time.Second
	longPause  = 5 * time.Minute
	// maxPerMail is how many notices are told as they are. Of more, which a mail does not
	// list, only what is not over yet is told.
	maxPerMail = mail.MaxListed
)

// Run delivers until ctx is done. What is under way then may be finished, within limits.
func (o *Outbox) Run(ctx context.Context) {
	sending, stop := graceful(ctx)
	defer stop()
	defer o.carrying.Wait()
	o.reviewOnce()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.wake:
		case <-timer.C:
		}
		timer.Reset(o.round(ctx, sending))
	}
}

// reviewOnce finds out what the options say since the last end: who is told of an outage may
// be somebody else.
func (o *Outbox) reviewOnce() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.review()
}

// round has sent what is due, and says when to look again.
func (o *Outbox) round(ctx, sending context.Context) time.Duration {
	defer func() { _ = o.flush(nil) }() // which has complained
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if ctx.Err() != nil {
		return time.Minute
	}
	again := min(o.remind(now), o.due(now))
	return min(again, o.staff(ctx, sending, now))
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

// letter is a mail on its way, with the entries that it tells of.
type letter struct {
	to    string
	seqs  []uint64
	mail  *mail.Message
	begun time.Time // when it was taken up by whoever carries it
	thaws bool      // it was not on the wire before
}

// due makes letters of what is to be sent now, one for each recipient that has none on
// the way. It says when there may be more. mu is held.
func (o *Outbox) due(now time.Time) (again time.Duration) {
	again = time.Minute
	if wait := o.retryAt.Sub(now); wait > 0 && o.carriers == 0 {
		return wait
	}
	if o.opts.Sender == nil {
		return again
	}
	o.release(now)
	byRecipient, order := o.waiting(now)
	for _, to := range order {
		r := o.recipient(to)
		if r.busy {
			continue
		}
		entries := firstBatch(byRecipient[to])
		if wait := o.wait(r, &entries[0], now); wait > 0 {
			again = min(again, wait)
			continue
		}
		if entries[0].Batch == 0 && len(entries) > maxPerMail {
			entries = o.summarize(entries)
		}
		if len(entries) > 0 {
			o.post(to, entries, now)
		}
	}
	o.forgetRecipients(now)
	return again
}

// firstBatch are the entries to be told together: all of them, but those that may have been
// told already are told again as they were. Then it is the same mail.
func firstBatch(entries []entry) []entry {
	for _, e := range entries {
		if e.Batch == 0 {
			continue
		}
		var same []entry
		for _, other := range entries {
			if other.Batch == e.Batch {
				same = append(same, other)
			}
		}
		return same
	}
	return entries
}

// wait is how long the recipient is not told yet; mu is held.
func (o *Outbox) wait(r *recipient, first *entry, now time.Time) time.Duration {
	if wait := r.retryAt.Sub(now); wait > 0 {
		return wait
	}
	if first.Batch != 0 {
		return 0
	}
	ready := first.Notice.Time.Add(max(0, o.opts.Wait))
	if !r.mailed.IsZero() {
		if next := r.mailed.Add(max(0, o.opts.Interval)); next.After(ready) {
			ready = next
		}
	}
	if wait := ready.Sub(now); wait <= max(o.opts.Wait, o.opts.Interval) {
		return wait
	}
	return 0 // the clock was set back
}

// post puts a letter on its way; mu is held.
func (o *Outbox) post(to string, entries []entry, now time.Time) {
	l := &letter{to: to}
	notices := make([]alerting.Notice, len(entries))
	for i, e := range entries {
		notices[i] = e.Notice
		l.seqs = append(l.seqs, e.Seq)
	}
	var err error
	l.mail, err = o.opts.Templates.Compose(to, notices, now)
	if err != nil && l.mail == nil {
		o.fail(l, composeError(err))
		return
	}
	if err != nil { // the operator's template failed, and a shipped one was used
		o.complain("template", err)
	}
	o.recipient(to).busy = true
	o.letters = append(o.letters, l)
}
