package schedule

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// job is one target on the schedule.
type job struct {
	app string

	// Guarded by Scheduler.mu.
	due      int64 // slot of the next probe
	pos      int32 // place in the wheel's slot
	queued   bool  // in the wheel
	begun    bool  // the first probe was started
	interval int64 // slots
	phase    int64

	// status is replaced whole; readers need no lock.
	status atomic.Pointer[Status]

	mu           sync.Mutex // protects all following fields
	desired      Job
	generation   uint64 // grows when a probe under way no longer counts
	cancel       context.CancelFunc
	inconclusive int32 // results in a row that said nothing
	running      bool
	slow         bool
	drifting     bool // noted as one that differs from kept
	turns        uint8
	history      history
	transitions  []Transition // never written to, since what is saved of the job shares it
	waiters      []chan<- Entry
	changes      *changes
	kept         health.State // as far as it matters, what is saved or about to be
	step         uint32       // grows with each outcome and each change
	turnsIn      uint32       // the minute that turns are counted in

	ended bool // guarded by changes.mu
}

func newJob(desired Job, now time.Time, changes *changes) *job {
	j := &job{app: desired.Target.App, desired: desired, changes: changes}
	st := &Status{Target: desired.Target, Check: desired.Check, Problem: desired.problem(), Since: now}
	st.awaits(&desired, now)
	if s := desired.Saved; s != nil && s.Place == desired.place() {
		st.State, st.Since, st.LastHealthy, st.Failing = s.State, s.Since, s.LastHealthy, s.State.Failures > 0
		j.transitions = s.Transitions
	}
	if desired.Module == nil {
		st.State = health.State{}
	}
	j.desired.Saved = nil
	j.status.Store(st)
	if j.kept = st.clipped(); desired.Saved == nil {
		j.drifting = true
		changes.begin(j)
	}
	return j
}

func (d *Job) problem() string {
	if d.Module == nil && d.Problem == "" {
		return "no module"
	}
	return d.Problem
}

// awaits notes until when the first probe is put off.
func (s *Status) awaits(d *Job, now time.Time) {
	s.FirstProbe = time.Time{}
	if !s.Probed && d.NotBefore.After(now) {
		s.FirstProbe = d.NotBefore
	}
}

// place is what is observed: a state is no other's.
func (d *Job) place() string { return placeOf(d.Target, d.Check) }

func placeOf(t *prober.Target, c *Check) string {
	if c != nil {
		return c.Kind
	}
	return t.Place()
}

// probing reports whether the job belongs on the wheel.
func (d *Job) probing() bool { return d.Module != nil && !d.Target.Paused }

// update takes over a changed line. It keeps the state, unless what it was
// observed of has changed or the target was paused. It reports a change of verdict.
func (j *job) update(desired Job, now time.Time) (changed bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	old := j.desired
	desired.Saved = nil
	j.desired = desired

	st := *j.status.Load()
	st.Target, st.Check, st.Problem = desired.Target, desired.Check, desired.problem()
	st.awaits(&desired, now)
	moved := old.place() != desired.place()
	resumed := old.Target.Paused && !desired.Target.Paused
	why := ""
	switch {
	case moved:
		why = "the address to probe changed"
	case resumed:
		why = "resumed"
	case desired.Module == nil:
		why = desired.problem()
	}
	if why != "" {
		changed = j.move(&st, health.State{}, now, why)
	}
	if moved {
		st.forget()
		j.slow = false
	}
	if why != "" || desired.Target.Paused {
		j.dropRunning()
	}
	j.status.Store(&st)
	if j.step++; changed {
		j.note(j.transitions[len(j.transitions)-1], false)
	} else {
		j.drift()
	}
	return changed
}

// forget removes what the last probe found.
func (s *Status) forget() {
	s.Probed, s.Up, s.LastProbe, s.Latency, s.StatusCode = false, false, time.Time{}, 0, 0
	s.CertExpiry, s.LastHealthy, s.Reason, s.Error, s.Report, s.Response = time.Time{}, time.Time{}, "", "", nil, nil
}

// dropRunning makes a probe under way end early and count for nothing.
func (j *job) dropRunning() {
	j.generation++
	if j.cancel != nil {
		j.cancel()
	}
}

// move enters a new state and records the transition, if it is one.
func (j *job) move(st *Status, next health.State, now time.Time, reason string) bool {
	from := st.State.Verdict
	st.State = next
	if from == next.Verdict {
		return false
	}
	st.Since = now
	st.Changes[next.Verdict]++
	kept := j.transitions[max(len(j.transitions)-MaxTransitions+1, 0):]
	j.transitions = slices.Concat(kept, []Transition{{Time: now, From: from, To: next.Verdict, Reason: reason}})
	return true
}

// apply takes the result of a probe into the state, and reports a transition.
func (j *job) apply(res *prober.Result) (Status, *Transition) {
	if res.Inconclusive {
		return j.applyInconclusive(res)
	}
	j.inconclusive = 0
	st := *j.status.Load()
	end := res.Start.Add(res.Duration)
	st.LastProbe, st.Latency, st.StatusCode = end, res.Duration, res.StatusCode
	st.Reason, st.Error, st.Report = res.Reason, res.Error, res.Report
	st.CertExpiry = res.CertExpiry
	if response := keptResponse(res); !bytes.Equal(st.Response, response) {
		st.Response = response
	}
	if res.BodyError {
		st.BodyErrors++
	}
	if i := slices.Index(prober.Reasons(), res.Reason); i >= 0 {
		st.Failures[i]++
	}
	j.slow = res.Reason == prober.ReasonTimeout
	var change *Transition
	st.count(res.Outcome)
	before, next := st.State, st.State.Next(res.Outcome, st.Target.Thresholds())
	if j.move(&st, next, end, transitionReason(res)) {
		change = &j.transitions[len(j.transitions)-1]
	}
	st.Failing = res.Outcome == health.Fail || st.Failing && change == nil
	if next.Verdict == health.Healthy {
		st.LastHealthy = end
	}
	j.history.add(res, st.State.Verdict)
	j.status.Store(&st)
	j.step++
	switch {
	case change != nil:
		j.note(*change, false)
	case j.turned(before, next, end):
		j.note(Transition{Time: end, From: next.Verdict, To: next.Verdict, Reason: transitionReason(res)}, true)
	default:
		j.drift()
	}
	return st, change
}

// applyInconclusive takes in that the target could not be checked: what was known of
// it stays for a while, but not for ever.
func (j *job) applyInconclusive(res *prober.Result) (Status, *Transition) {
	st := *j.status.Load()
	st.Reason, st.Error = res.Reason, res.Error
	if i := slices.Index(prober.Reasons(), res.Reason); i >= 0 {
		st.Failures[i]++
	}
	j.slow = false
	j.inconclusive++
	var change *Transition
	most := cmp.Or(st.Target.Unhealthy, health.DefaultUnhealthy)
	if int(j.inconclusive) >= most && j.move(&st, health.State{}, res.Start.Add(res.Duration), "could not be checked: "+res.Error) {
		change = &j.transitions[len(j.transitions)-1]
	}
	j.history.add(res, st.State.Verdict)
	j.status.Store(&st)
	if j.step++; change != nil {
		j.note(*change, false)
	}
	return st, change
}

func (s *Status) count(o health.Outcome) {
	s.Probed, s.Up = true, o != health.Fail
	switch o {
	case health.Pass:
		s.Passes++
	case health.Warn:
		s.Warns++
	case health.Fail:
		s.Fails++
	}
}

func transitionReason(res *prober.Result) string {
	if res.Error != "" {
		return res.Error
	}
	if res.Report != nil && res.Outcome == health.Warn {
		return "the target itself reports a warning"
	}
	return ""
}
