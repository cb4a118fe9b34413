package outbox

import (
	"maps"
	"math/rand/v2"
	"slices"
	"time"
)

// recipient is how it goes with one of those who are told. Nobody waits for another one.
type recipient struct {
	mailed  time.Time // when last
	busy    bool      // a letter is on its way
	slow    bool      // the last one took long
	pause   time.Duration
	retryAt time.Time // after an error that may go away
	problem string    // why the last attempt failed; empty if it did not
	gaveUp  time.Time // when a letter was given up; zero if the last one was not
}

// recipient is the one with the address; mu is held.
func (o *Outbox) recipient(to string) *recipient {
	r := o.recipients[to]
	if r == nil {
		r = &recipient{}
		o.recipients[to] = r
	}
	return r
}

// forgetRecipients keeps the list from growing with each address that ever was; mu is held.
func (o *Outbox) forgetRecipients(now time.Time) {
	if len(o.recipients) <= 1000 {
		return
	}
	maps.DeleteFunc(o.recipients, func(_ string, r *recipient) bool {
		return !r.busy && (r.problem == "" || !r.gaveUp.IsZero()) && now.Sub(r.mailed) > max(o.opts.Interval, longPause) && now.Sub(r.gaveUp) > time.Hour
	})
}

// longer is the pause that follows one, and when it ends: not all at once.
func longer(pause time.Duration, now time.Time) (time.Duration, time.Time) {
	pause = min(max(firstPause, 2*pause), longPause)
	return pause, now.Add(pause - time.Duration(rand.Int64N(int64(pause)/5)))
}

// problem is why somebody is not told at the moment; empty if there is no reason. mu is
// held.
func (o *Outbox) problem(now time.Time) string {
	if o.serverProblem != "" {
		return o.serverProblem
	}
	for _, to := range slices.Sorted(maps.Keys(o.recipients)) {
		if r := o.recipients[to]; r.problem != "" && (r.gaveUp.IsZero() || now.Sub(r.gaveUp) < time.Hour) {
			return r.problem
		}
	}
	for l := range o.underWay {
		if took := now.Sub(l.begun); took > slowAfter {
			return "the mail server has been taking " + took.Round(time.Second).String() + " for a mail"
		}
	}
	return ""
}
