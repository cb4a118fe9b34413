package outbox

import (
	"context"
	"time"

	"github.com/health-exporter/health_exporter/alerting/mail"
)

const (
	// maxCarriers is how many connections there are at most, and maxSlow how many of
	// them carry what is known to take long. Mail servers allow some more for each
	// client.
	maxCarriers = 16
	maxSlow     = maxCarriers / 2
	// patience is how long letters wait for those who carry others, before there are
	// twice as many.
	patience = 2 * time.Second
	// slowAfter is from when on a letter has taken long.
	slowAfter = 10 * time.Second
	maxMails  = 50 // over one connection
)

// staff has the letters carried: by one as long as that gets on, and by more while it is
// held up. It says when to look again. mu is held.
func (o *Outbox) staff(ctx, sending context.Context, now time.Time) time.Duration {
	if o.takeable() < 0 {
		return time.Minute
	}
	if wait := o.retryAt.Sub(now); wait > 0 {
		return wait
	}
	more := 1
	if o.carriers > 0 {
		if wait := o.taken.Add(patience).Sub(now); wait > 0 {
			return wait
		}
		more = o.carriers
	}
	more = min(more, maxCarriers-o.carriers, len(o.letters))
	o.taken = now
	for range more {
		o.carriers++
		sender, retired := o.opts.Sender, o.retired
		o.carrying.Go(func() { o.carry(ctx, sending, sender, retired) })
	}
	return patience
}

// takeable is the place of the letter to carry next, negative if there is none; mu is
// held.
func (o *Outbox) takeable() int {
	slow := 0
	for l := range o.underWay {
		if o.recipient(l.to).slow {
			slow++
		}
	}
	first := -1
	for i, l := range o.letters {
		switch {
		case !o.recipient(l.to).slow:
			return i
		case first < 0 && slow < maxSlow:
			first = i
		}
	}
	return first
}

// carry carries letters over one connection until there are no more, the program ends,
// or the sender has another one as its successor.
func (o *Outbox) carry(ctx, sending context.Context, sender Sender, retired <-chan struct{}) {
	sending, cancel := context.WithCancel(sending)
	defer cancel()
	o.carrying.Go(func() {
		select {
		case <-sending.Done():
			return
		case <-retired:
		}
		select {
		case <-sending.Done():
		case <-time.After(grace):
			cancel()
		}
	})
	var current *letter
	count := 0
	next := func() *mail.Message {
		select {
		case <-retired:
			return nil
		default:
		}
		if count++; ctx.Err() != nil || count > maxMails {
			return nil
		}
		if current = o.take(); current == nil {
			return nil
		}
		return current.mail
	}
	sender.Carry(sending, next, func(err error) { o.settle(current, err, sending.Err() != nil) })
	o.mu.Lock()
	defer o.mu.Unlock()
	o.carriers--
	if o.carriers == 0 && time.Now().Before(o.retryAt) {
		o.recall() // there may be more to tell by then
	}
	o.Wake()
}

// take takes up the next letter; nil if there is none. It is on disk then that it may have
// been told.
func (o *Outbox) take() *letter {
	l := o.takeUp()
	if l != nil {
		_ = o.flush(nil) // which has complained
	}
	return l
}

func (o *Outbox) takeUp() *letter {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := o.takeable()
	if i < 0 {
		return nil
	}
	l := o.letters[i]
	o.letters = append(o.letters[:i], o.letters[i+1:]...)
	l.begun = time.Now()
	o.taken, o.underWay[l] = l.begun, true
	o.freeze(l)
	return l
}

// recall takes back the letters that nobody has taken up; mu is held.
func (o *Outbox) recall() {
	for _, l := range o.letters {
		o.recipient(l.to).busy = false
	}
	o.letters = nil
}
