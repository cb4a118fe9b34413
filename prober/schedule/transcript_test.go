package schedule

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// Who asks for a probe gets its steps; so does who looks at what has been failing. What
// is all right costs nothing.
func TestTranscripts(t *testing.T) {
	var broken atomic.Bool
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer srv.Close()
	module, err := prober.NewModule(prober.ModuleSource{Kind: "health"})
	if err != nil {
		t.Fatal(err)
	}
	s := New(Options{})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { s.Run(ctx); close(ended) }()
	defer func() { stop(); <-ended }()
	target := &prober.Target{App: "a", URL: srv.URL, Interval: time.Hour, Timeout: 5 * time.Second, Unhealthy: 2, Healthy: 2}
	s.Sync([]Job{{Target: target, Module: module, NotBefore: time.Now().Add(time.Hour)}})
	for running := false; !running; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		running = s.base != nil
		s.mu.Unlock()
	}
	for _, fails := range []bool{false, true, true} {
		broken.Store(fails)
		e, err := s.ProbeNow(ctx, "a")
		if err != nil {
			t.Fatal(err)
		}
		if e.Outcome == health.Pass == fails || !strings.Contains(e.Steps, " ms  ") {
			t.Errorf("%v, steps %q", e.Outcome, e.Steps)
		}
	}
	entries, _ := s.History("a", 10)
	if len(entries) != 3 || entries[0].Steps == "" || entries[1].Steps != "" || entries[2].Steps != "" {
		t.Errorf("not only the newest probe has its steps: %+v", entries)
	}
	j := s.find("a")
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.history.failedLast() {
		t.Error("the schedule would not look closely at what has failed")
	}
	pass := prober.Result{Outcome: health.Pass}
	if j.history.add(&pass, health.Healthy); j.history.failedLast() {
		t.Error("the schedule would look closely at what is all right")
	}
}

func TestTranscriptIsBounded(t *testing.T) {
	steps := newTranscript()
	log := slog.New(steps)
	for range 10_000 {
		log.Debug("step", "with", "a \"blank\"")
	}
	text := steps.String()
	if len(text) > maxTranscript || !strings.Contains(text, `step with="a \"blank\""`) || !strings.HasSuffix(text, "\n") {
		t.Errorf("%d bytes: %.80q", len(text), text)
	}
}

func TestWithin(t *testing.T) {
	var l lateness
	if _, known := l.stats().Within(0.99); known {
		t.Error("nothing was probed, and yet it was in time")
	}
	for range 99 {
		l.observe(time.Microsecond)
	}
	l.observe(time.Hour)
	if d, known := l.stats().Within(0.99); !known || d != latenessBounds[0] {
		t.Errorf("99 of 100: %s %t", d, known)
	}
	if _, known := l.stats().Within(0.999); known {
		t.Error("one in 100 was an hour late")
	}
}

func TestLatencies(t *testing.T) {
	var h history
	for i := range HistoryLimit + 7 {
		h.add(&prober.Result{Outcome: health.Pass, Duration: time.Duration(i) * time.Microsecond}, health.Healthy)
	}
	last := HistoryLimit + 6
	for _, n := range []int{0, 1, 3, HistoryLimit, HistoryLimit + 1} {
		got := h.latencies(n)
		if len(got) != min(n, HistoryLimit) {
			t.Fatalf("%d of %d", len(got), n)
		}
		for i, l := range got {
			if want := time.Duration(last-len(got)+1+i) * time.Microsecond; l != want {
				t.Errorf("of %d, the %d-th is %s, want %s", n, i, l, want)
			}
		}
	}
	if len((&history{}).latencies(3)) != 0 {
		t.Error("latencies of no probe")
	}
}
