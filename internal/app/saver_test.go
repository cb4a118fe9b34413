package app

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/internal/journal"
	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// keptStates are states that were kept before the start, of targets that are not there.
type keptStates struct {
	names  []string
	lost   string // the one of which there is a tombstone
	forgot []string
}

func (k *keptStates) Saved(string) *schedule.Saved { return &schedule.Saved{Place: "http://x"} }
func (k *keptStates) Flush() error                 { return nil }
func (k *keptStates) Remembered() []string         { return k.names }

func (k *keptStates) Forget(names []string) error {
	k.forgot = append(k.forgot, names...)
	return nil
}

func (k *keptStates) Tombstone(app string) (registry.Tombstone, bool) {
	return registry.Tombstone{App: app, At: time.Now()}, app == k.lost
}

// TestNotedAsRemoved: what is not there any more after the start was removed, and that
// is noted once; what was lost before the end was told of then, and is not removed again.
func TestNotedAsRemoved(t *testing.T) {
	c := newChronicle()
	c.open(nil)
	c.begun.Store(true)
	nobody := func(string) bool { return false }
	settled := func() bool { return true }
	c.schedules = []recorded{
		{kind: journal.Target, exists: nobody, settled: settled},
		{kind: journal.Check, prefix: checkPrefix, exists: nobody, settled: settled},
	}
	kept := &keptStates{names: []string{"b", "lost", "a", checkPrefix + "disk"}, lost: "lost"}
	s := &saver{chronicle: c, states: kept, log: slog.New(slog.DiscardHandler)}
	s.remember()
	s.forgetGone()
	s.forgetGone()
	var events []string
	for _, e := range c.pending {
		events = append(events, e.Kind+" "+e.Name+" "+string(e.What)+" "+e.Place)
	}
	want := []string{"target a removed http://x", "target b removed http://x", "check disk removed http://x"}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if len(kept.forgot) != 4 {
		t.Errorf("forgot %q", kept.forgot)
	}
}
