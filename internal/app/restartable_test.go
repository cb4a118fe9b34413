package app

import (
	"context"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/internal/config"
)

// slow ends only when it is let.
type slow struct{ ending, let chan struct{} }

func (s *slow) Run(ctx context.Context) {
	<-ctx.Done()
	close(s.ending)
	<-s.let
}

// TestRestartable: what runs can be asked for while it is ending, and while it is replaced, or
// /metrics would wait for the network.
func TestRestartable(t *testing.T) {
	var p restartable[*slow]
	if _, ok := p.running(); ok {
		t.Error("nothing has begun")
	}
	p.end() // which is nothing
	s := &slow{make(chan struct{}), make(chan struct{})}
	p.begin(t.Context(), s)
	ended := make(chan struct{})
	go func() { defer close(ended); p.end() }()
	<-s.ending
	asked := make(chan *slow)
	go func() {
		it, _ := p.running()
		asked <- it
	}()
	select {
	case it := <-asked:
		if it != s {
			t.Errorf("%v runs", it)
		}
	case <-time.After(10 * time.Second):
		t.Error("asking waits for the end")
	}
	select {
	case <-ended:
		t.Error("it is said to have ended, and has not")
	case <-time.After(20 * time.Millisecond):
	}
	close(s.let)
	<-ended
	if _, ok := p.running(); ok {
		t.Error("it has ended")
	}
}

// TestFiguresDoNotWaitForAReload holds what a reload holds while services are withdrawn.
func TestFiguresDoNotWaitForAReload(t *testing.T) {
	var m multicast
	m.mu.Lock()
	defer m.mu.Unlock()
	got := make(chan struct{})
	go func() { defer close(got); m.stats() }()
	select {
	case <-got:
	case <-time.After(10 * time.Second):
		t.Error("they wait")
	}
}

// TestNothingBeginsWhileItEnds: a reload between the goodbye and the end does not begin
// to look on the network anew.
func TestNothingBeginsWhileItEnds(t *testing.T) {
	m := multicast{place: func() listening { return listening{} }}
	cfg := config.Default()
	m.adopt(cfg)
	m.start(t.Context())
	m.withdraw()
	other := *cfg
	other.Discovery.MDNS = &config.MDNS{Services: []string{"_health-check._tcp"}}
	m.adopt(&other)
	if _, ok := m.browser.running(); ok {
		t.Error("it looks on the network")
		m.browser.end()
	}
}
