package schedule

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/sorted"
	"github.com/health-exporter/health_exporter/prober"
)

// Options configure a Scheduler. The zero value is valid.
type Options struct {
	// MaxInFlight bounds the probes under way at once; 0 means 4 096.
	MaxInFlight int
	// Log receives changes of state. nil discards them.
	Log *slog.Logger
	// Paused is called with how long the program did not run, before anything else is done. nil
	// for nobody.
	Paused func(time.Duration)
	// Observe is called for each probe that counts, with its result and duration.
	// It is called by the goroutine of the probe and must be quick. nil for nobody.
	Observe func(t *prober.Target, o health.Outcome, took time.Duration)
}

// Scheduler probes targets, each on its own interval, and keeps their states.
// Its methods may be called at any time from any goroutine; probes are made
// while Run runs.
type Scheduler struct {
	log     *slog.Logger
	observe func(*prober.Target, health.Outcome, time.Duration) // nil for nobody
	paused  func(time.Duration)
	pauses  pauses
	lanes   *lanes
	wake    chan struct{} // one slot: the wheel has changed

	baseTime time.Time // the moment of baseSlot, with its monotonic reading
	baseNano int64

	lookups         prober.Lookups
	late            lateness
	started         atomic.Uint64
	skippedOverlap  atomic.Uint64
	skippedCapacity atomic.Uint64
	changes         *changes
	probes          sync.WaitGroup
	order           atomic.Pointer[sorted.List[*job]]

	syncing sync.Mutex // makes Sync and Apply one at a time

	mu    sync.Mutex // protects all following fields
	jobs  map[string]*job
	wheel wheel
	last  int64           // the last slot that was looked at
	base  context.Context // of all probes; nil while Run does not run
}

// New makes a scheduler without jobs.
func New(opts Options) *Scheduler {
	s := &Scheduler{
		log: opts.Log, observe: opts.Observe, paused: opts.Paused, wake: make(chan struct{}, 1),
		jobs: map[string]*job{}, changes: newChanges(),
		baseTime: time.Now(),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	limit := opts.MaxInFlight
	if limit == 0 {
		limit = 4096
	}
	s.lanes = newLanes(limit)
	s.baseNano = s.baseTime.UnixNano()
	s.last = s.slotAt(s.baseTime) - 1
	none := sorted.Of(func(j *job) string { return j.app }, nil)
	s.order.Store(&none)
	return s
}

// slotAt numbers slots from the epoch of the wall clock, so that phases survive
// restarts, but counts them by the monotonic clock, so that setting the wall
// clock moves no probe.
func (s *Scheduler) slotAt(t time.Time) int64 {
	return (s.baseNano + int64(t.Sub(s.baseTime))) / int64(slot)
}

func (s *Scheduler) timeOf(slotNumber int64) time.Time {
	return s.baseTime.Add(time.Duration(slotNumber*int64(slot) - s.baseNano))
}

// Run makes the probes until ctx is done, and returns when all of them have ended.
func (s *Scheduler) Run(ctx context.Context) { s.Begin(ctx)() }

// Begin is the beginning of Run, and gives the rest: from when it returns on, probes can
// be asked for.
func (s *Scheduler) Begin(ctx context.Context) (run func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base = ctx
	return func() { s.run(ctx) }
}

func (s *Scheduler) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var due []*job
	for {
		select {
		case <-ctx.Done():
			s.mu.Lock()
			s.base = nil
			s.mu.Unlock()
			s.pauses.plan(time.Time{})
			s.probes.Wait()
			return
		case <-timer.C:
		case <-s.wake:
		}
		if pause := s.pauses.look(time.Now()); pause > 0 {
			s.log.Warn("the program did not run for a while: probes that were under way are made again", "pause", pause)
			if s.paused != nil {
				s.paused(pause)
			}
		}
		var wait time.Duration
		due, wait = s.turn(due[:0])
		tick := tickIdle
		if s.lanes.busy() {
			tick = tickBusy
		}
		wait = min(wait, tick)
		s.pauses.plan(time.Now().Add(wait))
		timer.Reset(wait)
	}
}

// turn starts all probes that are due and says how long to sleep.
func (s *Scheduler) turn(due []*job) ([]*job, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.slotAt(time.Now())
	due = s.wheel.due(s.last+1, now, due)
	s.last = now
	for _, j := range due {
		s.startDue(j, now)
	}
	next := s.wheel.next(now + 1)
	if next < 0 {
		return due, time.Hour
	}
	return due, max(time.Until(s.timeOf(next)), 0)
}

// startDue starts the probe of a job and puts it back on the wheel. Slots that
// have passed meanwhile are counted, not made up for.
func (s *Scheduler) startDue(j *job, now int64) {
	slotDue := j.due
	s.wheel.remove(j)
	next := onGrid(slotDue+1, j.interval, j.phase)
	if next-slotDue < j.interval/2 {
		next = afterFirst(slotDue, j.interval, j.phase)
	}
	missed := 0
	if next <= now {
		behind := onGrid(now+1, j.interval, j.phase)
		missed = int((behind - next) / j.interval)
		next = behind
	}
	j.due = next
	s.wheel.add(j)

	switch err := s.start(j, slotDue); {
	case errors.Is(err, errOverlap):
		s.skippedOverlap.Add(1)
		missed++
	case errors.Is(err, ErrBusy):
		s.skippedCapacity.Add(1)
		missed++
	}
	if missed > 0 {
		j.skip(missed)
	}
}

func (j *job) skip(n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	st := *j.status.Load()
	st.Skipped += uint32(n)
	j.status.Store(&st)
}

var (
	errOverlap = errors.New("a probe of the target is still under way")
	// ErrBusy says that there are as many probes in flight as there may be.
	ErrBusy = errors.New("too many probes in flight")
	// ErrUnknownTarget says that there is no such target.
	ErrUnknownTarget = errors.New("no such target")
	// ErrNotProbing says that the target is paused or has no module.
	ErrNotProbing = errors.New("the target is not being probed")
)

// start makes one probe in a goroutine of its own. The caller holds mu.
func (s *Scheduler) start(j *job, due int64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.running:
		return errOverlap
	case !j.desired.probing():
		return ErrNotProbing
	case s.base == nil: // Run has not begun, or is ending
		return ErrBusy
	}
	which := fastLane
	if j.slow {
		which = slowLane
	}
	if !s.lanes.enter(which) {
		return ErrBusy
	}
	t := j.desired.Target
	ctx, cancel := context.WithTimeout(s.base, t.Timeout)
	j.running, j.cancel = true, cancel
	desired, generation := j.desired, j.generation
	wanted := len(j.waiters) > 0 || j.history.failedLast()
	j.begun = true
	s.started.Add(1)
	s.probes.Go(func() {
		defer s.lanes.leave(which)
		defer cancel()
		if due != 0 {
			s.late.observe(time.Since(s.timeOf(due)))
		}
		res := s.probeJob(ctx, desired, wanted)
		s.finish(j, t, &res, generation)
	})
	return nil
}

// probeJob makes the probe, with a transcript if that is wanted: what is all right
// costs nothing more, and what is not can be understood afterwards.
func (s *Scheduler) probeJob(ctx context.Context, d Job, wanted bool) prober.Result {
	req := prober.Request{Target: d.Target.Place(), StatusCodes: d.Target.StatusCodes, Network: d.Network, Lookups: &s.lookups}
	if !wanted {
		return d.Module.Probe(ctx, req)
	}
	steps := newTranscript()
	req.Log = slog.New(steps)
	res := d.Module.Probe(ctx, req)
	req.Debug("probe ended", "outcome", res.Outcome, "reason", res.Reason, "phase", res.Phase, "error", res.Error)
	res.Steps = steps.String()
	return res
}

// finish takes the result of probing t over, unless the job has changed under the probe
// or the probe was cancelled.
func (s *Scheduler) finish(j *job, t *prober.Target, res *prober.Result, generation uint64) {
	j.mu.Lock()
	j.running, j.cancel = false, nil
	waiters := j.waiters
	j.waiters = nil
	if j.generation == generation && s.pauses.since(res.Start, time.Now()) {
		j.mu.Unlock()
		s.again(j, waiters)
		return
	}
	if j.generation != generation || res.Cancelled {
		j.mu.Unlock()
		for _, w := range waiters {
			close(w)
		}
		return
	}
	st, change := j.apply(res)
	var transition Transition
	if change != nil {
		transition = *change
	}
	j.mu.Unlock()

	if s.observe != nil && !res.Inconclusive {
		s.observe(t, res.Outcome, res.Duration)
	}
	for _, w := range waiters {
		w <- Entry{
			Time: res.Start, Latency: res.Duration, StatusCode: res.StatusCode, Outcome: res.Outcome,
			State: st.State.Verdict, Reason: res.Reason, Error: res.Error, Response: res.Response, Steps: res.Steps,
		}
	}
	if change != nil {
		s.log.Info("state changed", "target", j.app, "from", transition.From.String(),
			"to", transition.To.String(), "reason", transition.Reason)
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
