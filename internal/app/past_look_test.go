package app

import (
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/internal/history"
	"github.com/health-exporter/health_exporter/prober"
)

// TestLookAtEverything: a history that is behind is told how things are, and of what
// there is no more.
func TestLookAtEverything(t *testing.T) {
	a := idle(t, t.TempDir())
	defer a.parts.close()
	h := historian{a.past}
	put := func(app string, paused bool) {
		t.Helper()
		if _, err := a.storage.Put(prober.Target{App: app, Source: prober.SourceAPI, URL: "http://127.0.0.1:1", Interval: time.Minute, Timeout: time.Second, Paused: paused}); err != nil {
			t.Fatal(err)
		}
	}
	look := func(seq uint64) {
		t.Helper()
		time.Sleep(3 * time.Millisecond) // the history counts in milliseconds
		a.polling.reconcile()
		if err := h.begin(seq); err != nil {
			t.Fatal(err)
		}
		if at, ok := h.cursor(); at != seq || !ok {
			t.Errorf("the cursor is %d", at)
		}
	}
	put("a", false)
	put("b", false)
	look(2)
	put("a", true)
	if _, err := a.storage.Remove(prober.SourceAPI, "b"); err != nil {
		t.Fatal(err)
	}
	put("c", true)
	look(5)
	want := map[string]history.State{"a": history.Unknown | history.Paused, "b": history.NoData, "c": history.Unknown | history.Paused}
	for subject, state := range want {
		if got := a.past.store.State(subject); got != state {
			t.Errorf("%s is %v, want %v", subject, got, state)
		}
	}
	list := a.past.store.Read("a", time.Now().Add(-time.Minute), time.Now())
	if len(list) != 3 || list[1].State != history.Unknown {
		t.Errorf("a was %v", list)
	}
}
