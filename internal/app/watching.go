package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/journal"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// watchEvery is how often it is looked whether those whose state is unknown are probed.
const watchEvery = 15 * time.Second

// watching notes in the journal which targets and checks are not probed although they
// should be. Those are among the ones whose state is unknown, so that it looks at no
// others.
type watching struct {
	targets, checks roster
	deadlines       *deadlines
	happened        func(...journal.Event)

	mu      sync.Mutex // protects the following fields
	unknown map[subjectKey]watched
	pending bool // look will be called
}

// subjectKey is a target or a check, by its kind in the journal.
type subjectKey struct{ kind, name string }

// watched is since when something is not probed, zero if it is; and whether that was noted.
type watched struct {
	since time.Time
	noted bool
}

// run watches until ctx is done.
func (w *watching) run(ctx context.Context, j *journal.Journal, log *slog.Logger) {
	r := &reading{journal: j, reader: w, name: "watching", log: log}
	r.start()
	r.run(ctx)
}

// cursor says that nothing is known of before.
func (w *watching) cursor() (uint64, bool) { return 0, false }

// begin looks at everything.
func (w *watching) begin(uint64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unknown = map[subjectKey]watched{}
	for kind, all := range map[string]roster{journal.Target: w.targets, journal.Check: w.checks} {
		for _, st := range all.Snapshot() {
			if st.State.Verdict == health.Unknown {
				w.unknown[subjectKey{kind, st.Target.App}] = watched{}
			}
		}
	}
	w.again()
	return nil
}

// take takes in whose state has become unknown, or known.
func (w *watching) take(events []journal.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range events {
		e := &events[i]
		key := subjectKey{e.Kind, e.Name}
		switch e.What {
		case journal.Registered, journal.Returned, journal.Found, journal.Changed, journal.Resumed, journal.StateChanged:
			if e.To != health.Unknown {
				delete(w.unknown, key)
			} else if _, already := w.unknown[key]; !already || e.What == journal.StateChanged {
				w.unknown[key] = watched{}
			}
		case journal.Removed, journal.Gone:
			delete(w.unknown, key)
		}
	}
	w.again()
	return nil
}

// again has them looked at soon, if there are any. mu is held.
func (w *watching) again() {
	if len(w.unknown) == 0 {
		w.unknown = map[subjectKey]watched{} // at the start it may have been large
	} else if !w.pending {
		w.pending = true
		w.deadlines.set("watching", time.Now().Add(watchEvery), w.look)
	}
}

// look looks at those whose state is unknown.
func (w *watching) look(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending = false
	for key, each := range w.unknown {
		st, ok := w.status(key)
		if !ok || st.State.Verdict != health.Unknown {
			continue // of which the journal will tell
		}
		s := subject(alerting.Kind(key.kind), st, now)
		since := alerting.StalledSince(&s, each.since, now)
		next := watched{since, each.noted && !since.IsZero()}
		if !since.IsZero() && !next.noted && now.Sub(since) >= alerting.StalledAfter {
			next.noted = true
			w.happened(journal.Event{Time: now, Kind: key.kind, Name: key.name, What: journal.NotProbed, Reason: st.Error})
		}
		w.unknown[key] = next
	}
	w.again()
}

func (w *watching) status(key subjectKey) (*schedule.Status, bool) {
	if key.kind == journal.Check {
		return w.checks.Status(key.name)
	}
	return w.targets.Status(key.name)
}
