package app

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/journal"
	"github.com/health-exporter/health_exporter/internal/registry"
)

// hearer notes what it is told.
type hearer struct {
	mu      sync.Mutex
	listens bool
	at      uint64
	known   bool
	heard   []string
}

func (h *hearer) Listens() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.listens
}

func (h *hearer) Cursor() (uint64, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at, h.known
}

func (h *hearer) Begin(subjects iter.Seq[*alerting.Subject], seq uint64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range subjects {
		h.heard = append(h.heard, fmt.Sprint("begin ", s.Name, " ", s.State))
	}
	h.at, h.known = seq, true
	return nil
}

func (h *hearer) Take(events []alerting.Event) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range events {
		e := &events[i]
		text := fmt.Sprint(e.Seq, " ", e.Name, " ", e.What)
		if e.Subject != nil {
			text += " " + e.Subject.Email
		}
		h.heard = append(h.heard, text)
		h.at = e.Seq
	}
	return nil
}

func (h *hearer) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if diff := cmp.Diff(want, h.heard); diff != "" {
		t.Errorf("heard (-want +got):\n%s", diff)
	}
	h.heard = nil
}

func (h *hearer) set(listens, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listens, h.known = listens, known
}

// nobodyGone has no tombstones.
type nobodyGone struct{}

func (nobodyGone) Tombstone(string) (registry.Tombstone, bool) { return registry.Tombstone{}, false }
func (nobodyGone) Tombstones() []registry.Tombstone            { return nil }

// TestAudience: who listens for the first time hears how things are, and then each event
// once, in order; who has stopped for a while hears how things are then.
func TestAudience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := people{}
		all.set("nas", health.Unhealthy, "")
		reconciled := 0
		told := &telling{targets: all, checks: people{}, saved: nobodyGone{}, log: slog.New(slog.DiscardHandler), reconcile: func() { reconciled++ }}
		told.cfg.Store(&config.Config{})
		j := journal.New(journal.Options{Most: 10})
		add := func(events ...journal.Event) {
			t.Helper()
			publish, err := j.Append(nil, events)
			if err != nil {
				t.Fatal(err)
			}
			publish()
		}
		event := func(what journal.What) journal.Event {
			return journal.Event{Time: time.Now(), Kind: journal.Target, Name: "nas", What: what, To: health.Healthy}
		}
		to := &hearer{}
		a := &audience{telling: told, journal: j, to: to, name: "test"}
		ctx, stop := context.WithCancel(t.Context())
		var work sync.WaitGroup
		work.Go(func() { a.run(ctx) })
		add(event(journal.Registered))
		to.expect(t) // nobody is there
		to.set(true, false)
		a.again()
		to.expect(t, "begin nas unhealthy")
		add(event(journal.StateChanged), event("something new"))
		add(event(journal.NotProbed))
		to.expect(t, "2 nas 1", "3 nas 0", "4 nas 6")
		if reconciled == 0 {
			t.Error("the schedule may be older than the events")
		}
		to.set(false, false) // another configuration
		a.again()
		add(event(journal.StateChanged))
		to.expect(t)
		to.set(true, false)
		a.again()
		to.expect(t, "begin nas unhealthy")
		to.set(true, true)
		to.at = 1 // of one who could not keep what it was told
		a.again()
		to.expect(t, "2 nas 1", "3 nas 0", "4 nas 6", "5 nas 1")
		to.set(false, true)
		a.again()
		synctest.Wait()
		for range 30 { // more than are kept
			add(event(journal.StateChanged))
		}
		to.set(true, true)
		a.again()
		to.expect(t, "begin nas unhealthy")
		stop()
		work.Wait()
	})
}
