package app

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/history"
	"github.com/health-exporter/health_exporter/internal/journal"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// copyFile copies a file that nobody writes to just now.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, string(content))
}

// idle is an exporter that has everything open, and does nothing.
func idle(t *testing.T, dir string) *App {
	t.Helper()
	a, err := New(Options{StoragePath: dir, OnCorruption: "fail", Web: webFlags("127.0.0.1:0"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestKilledBetweenAnyTwoWrites: whichever of their writes registry.db and history.db have
// come to, after the next start the history has each event that is in the journal, once,
// and the state that is kept is the one to which the last event has led.
func TestKilledBetweenAnyTwoWrites(t *testing.T) {
	dir, copies := t.TempDir(), t.TempDir()
	a := idle(t, dir)
	a.chronicle.begun.Store(true)
	h := historian{a.past}
	verdicts := []health.Verdict{health.Healthy, health.Degraded, health.Unhealthy, health.Degraded, health.Healthy}
	began := time.Now().Truncate(time.Millisecond)
	var times []time.Time
	for i, v := range verdicts {
		if i == 0 {
			if _, err := a.storage.Put(prober.Target{App: "a", Source: prober.SourceAPI, URL: "http://127.0.0.1:1", Interval: time.Minute, Timeout: time.Second}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(3 * time.Millisecond) // the history counts in milliseconds
		times = append(times, time.Now().Truncate(time.Millisecond))
		a.chronicle.happened(journal.Event{Time: times[i], Kind: journal.Target, Name: "a", What: journal.StateChanged, To: v})
		if err := a.storage.Save(map[string]*schedule.Saved{"a": {State: health.State{Verdict: v}}}); err != nil {
			t.Fatal(err)
		}
		copyFile(t, filepath.Join(dir, "registry.db"), filepath.Join(copies, fmt.Sprint("registry-", i)))
		if seq, _ := h.cursor(); i%2 == 0 { // it does not write with each event
			events, err := a.chronicle.Read(seq, 100)
			if err != nil {
				t.Fatal(err)
			}
			if err := h.take(events); err != nil {
				t.Fatal(err)
			}
		}
		copyHistory(t, a, dir, filepath.Join(copies, fmt.Sprint("history-", i)))
	}
	if err := a.parts.close(); err != nil {
		t.Fatal(err)
	}
	for i := range verdicts {
		for j := range i + 1 {
			killed := t.TempDir()
			copyFile(t, filepath.Join(copies, fmt.Sprint("registry-", i)), filepath.Join(killed, "registry.db"))
			copyFile(t, filepath.Join(copies, fmt.Sprint("history-", j)), filepath.Join(killed, "history.db"))
			copyFile(t, filepath.Join(dir, "initialised"), filepath.Join(killed, "initialised"))
			a := idle(t, killed)
			a.past.catchUp()
			if seq, ok := a.past.store.Cursor(); !ok || seq != a.chronicle.Head() || seq != uint64(i+2) {
				t.Errorf("registry %d, history %d: read up to %d of %d", i, j, seq, a.chronicle.Head())
			}
			if saved := a.storage.Saved("a"); saved.State.Verdict != verdicts[i] {
				t.Errorf("registry %d: the state is %s", i, saved.State.Verdict)
			}
			var got, want []string
			for _, each := range a.past.store.Read("a", began, times[i]) {
				if each.State != history.NoData {
					got = append(got, each.State.String())
				}
			}
			want = append(want, "unknown") // since it was registered
			for _, v := range verdicts[:i] {
				want = append(want, v.String())
			}
			if !slices.Equal(got, want) {
				t.Errorf("registry %d, history %d: the history is %q, want %q", i, j, got, want)
			}
			if err := a.parts.close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// copyHistory has the history written, and copies it.
func copyHistory(t *testing.T, a *App, dir, to string) {
	t.Helper()
	if err := a.past.store.Flush(); err != nil {
		t.Fatal(err)
	}
	copyFile(t, filepath.Join(dir, "history.db"), to)
}

// TestFilesOfTheFirstLayout: the files of a program before the journal are taken over: its
// registrations, pauses, states and the changes that its pages list, and its history. What
// it had is kept for going back.
func TestFilesOfTheFirstLayout(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "schema-1"))); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	a, err := New(Options{StoragePath: dir, OnCorruption: "fail", Web: webFlags("127.0.0.1:0"), Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, target := range a.storage.Targets() {
		names = append(names, fmt.Sprintf("%s %v", target.App, target.Paused))
	}
	if want := []string{"a false", "b false", "c true"}; !slices.Equal(names, want) {
		t.Errorf("targets %q, want %q", names, want)
	}
	for app, want := range map[string]health.Verdict{"a": health.Unhealthy, "b": health.Healthy, "of-the-file": health.Healthy, checkPrefix + "disk": health.Healthy} {
		saved := a.storage.Saved(app)
		if saved == nil || saved.State.Verdict != want || saved.Since.Year() != 2026 {
			t.Errorf("the state of %q is %+v", app, saved)
		}
	}
	if list, _ := a.polling.scheduler.Transitions("a"); len(list) != 8 || list[len(list)-1].Reason == "" {
		t.Errorf("its page lists %v", list)
	}
	if _, ok := a.past.store.Cursor(); ok || a.past.store.Stats().Recovered || len(a.past.store.Known()) != 5 {
		t.Errorf("history: %+v of %q", a.past.store.Stats(), a.past.store.Known())
	}
	if err := a.parts.close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "storage has a new layout now") || strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("log: %s", log.String())
	}

	r := start(t, Options{StoragePath: dir})
	r.wantEvents(0, "disk removed", "of-the-file removed") // neither is in a configuration now
	r.post("/api/v1/targets/b/pause", "")
	r.wantEvents(2, "b paused")
	r.end()

	if err := os.Rename(filepath.Join(dir, "registry.db.schema-1"), filepath.Join(dir, "registry.db")); err != nil {
		t.Fatal(err)
	}
	a = idle(t, dir) // it is as it was
	if b, _ := a.storage.Target("b"); b.Paused || len(a.storage.Targets()) != 3 || a.chronicle.Head() != 0 {
		t.Errorf("b is %+v", b)
	}
	if err := a.parts.close(); err != nil {
		t.Error(err)
	}
}
