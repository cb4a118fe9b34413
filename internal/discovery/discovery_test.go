package discovery

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/targetgroup"

	"github.com/health-exporter/health_exporter/prober"
)

// scripted is a mechanism that tells what the test has it tell.
type scripted struct {
	lists  chan []*targetgroup.Group
	refuse error
	log    chan *slog.Logger
}

func newScripted() *scripted {
	return &scripted{lists: make(chan []*targetgroup.Group), log: make(chan *slog.Logger, 1)}
}

func (s *scripted) Name() string { return "scripted" }

func (s *scripted) NewDiscoverer(o discovery.DiscovererOptions) (discovery.Discoverer, error) {
	if s.refuse != nil {
		return nil, s.refuse
	}
	select {
	case s.log <- o.Logger:
	default: // nobody has asked for the last one
	}
	return s, nil
}

func (s *scripted) NewDiscovererMetrics(prometheus.Registerer, discovery.RefreshMetricsInstantiator) discovery.DiscovererMetrics {
	return &discovery.NoopDiscovererMetrics{}
}

func (s *scripted) Run(ctx context.Context, up chan<- []*targetgroup.Group) {
	for {
		select {
		case <-ctx.Done():
			return
		case list := <-s.lists:
			select {
			case <-ctx.Done():
				return
			case up <- list:
			}
		}
	}
}

// tell has the mechanism give one group, and waits until that is in force.
func (s *scripted) tell(source string, addresses ...string) {
	g := group(nil, addresses...)
	g.Source = source
	s.lists <- []*targetgroup.Group{nil, g}
	time.Sleep(2 * settle)
	synctest.Wait()
}

// published is what was told last of each source.
type published struct {
	mu   sync.Mutex
	last map[prober.Source]string
}

func (p *published) replace(source prober.Source, targets []prober.Target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var names []string
	for _, t := range targets {
		names = append(names, t.App)
	}
	p.last[source] = strings.Join(names, " ")
}

func (p *published) want(t *testing.T, want map[prober.Source]string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if diff := cmp.Diff(want, p.last); diff != "" {
		t.Error(diff)
	}
}

func jobOf(name string, mechanisms ...*scripted) *Job {
	m := Mechanism{Name: "x_sd"}
	for i, s := range mechanisms {
		m.Configs = append(m.Configs, Config{s, name + string(rune('0'+i))})
	}
	return &Job{Name: name, Mechanisms: []Mechanism{m}, Defaults: defaults("tcp_connect")}
}

func running(t *testing.T, o Options) (d *Discovery, stop func()) {
	t.Helper()
	d = New(o)
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() { d.Run(ctx) })
	return d, func() {
		cancel()
		work.Wait()
	}
}

func TestListsStandUntilThereAreNewOnes(t *testing.T) {
	kept := filepath.Join(t.TempDir(), "discovered.json")
	synctest.Test(t, func(t *testing.T) {
		p := &published{last: map[prober.Source]string{}}
		a, b, other := newScripted(), newScripted(), newScripted()
		d, stop := running(t, Options{Replace: p.replace, KeptFile: kept})
		d.Sync([]*Job{jobOf("j", a, b), jobOf("other", other)}, kinds)
		a.tell("1", "a:1")
		a.tell("2", "a:2", "a:3")
		other.tell("1", "o:1")
		p.want(t, map[prober.Source]string{"x_sd:j": "a:1 a:2 a:3", "x_sd:other": "o:1"})
		a.tell("2", "a:3") // the other one, which has said nothing yet, holds nothing back
		b.tell("1", "b:1", "a:1")
		a.tell("1")
		p.want(t, map[prober.Source]string{"x_sd:j": "a:1 a:3 b:1", "x_sd:other": "o:1"})
		stop()

		// After a restart each has what it had, until it tells anew.
		p.last = map[prober.Source]string{}
		d, stop = running(t, Options{Replace: p.replace, KeptFile: kept})
		d.Sync([]*Job{jobOf("j", a, b)}, kinds)
		p.want(t, map[prober.Source]string{"x_sd:j": "a:1 a:3 b:1"})
		a.tell("1", "a:4")
		p.want(t, map[prober.Source]string{"x_sd:j": "a:1 a:4 b:1"})

		// One that is another now leaves its list until all have told.
		c := newScripted()
		changed := jobOf("j", a, b, c)
		changed.Mechanisms[0].Configs = changed.Mechanisms[0].Configs[1:]
		d.Sync([]*Job{changed}, kinds)
		p.want(t, map[prober.Source]string{"x_sd:j": "a:1 a:4 b:1"})
		c.tell("1", "c:1")
		b.tell("1", "b:1")
		p.want(t, map[prober.Source]string{"x_sd:j": "b:1 c:1"})

		// A bound is in force at once; a job that is gone leaves nothing.
		changed.MaxTargets = 1
		d.Sync([]*Job{changed}, kinds)
		p.want(t, map[prober.Source]string{"x_sd:j": "b:1"})
		d.Sync(nil, kinds)
		p.want(t, map[prober.Source]string{"x_sd:j": ""})
		if stats := d.Stats(); len(stats) != 0 {
			t.Errorf("%+v", stats)
		}
		stop()
	})
}

func TestFailuresAreCountedAndLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p := &published{last: map[prober.Source]string{}}
		a, refused := newScripted(), newScripted()
		refused.refuse = errors.New("there is no CA file")
		d, stop := running(t, Options{Replace: p.replace, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
		d.Sync([]*Job{jobOf("j", a), jobOf("refused", refused)}, kinds)
		logger := <-a.log
		for range 3 {
			logger.With("config", "x").Error("no answer", "err", errors.New("timeout"))
			logger.Info("nothing of interest")
		}
		logger.Error("no answer", "err", errors.New("refused"))
		time.Sleep(repeatAfter + time.Second)
		logger.Error("no answer", "err", errors.New("refused"))
		for range 3 { // each time the same is left out
			a.tell("1", "a:1", "")
		}
		stop()
		if n := strings.Count(log.String(), "no answer"); n != 3 {
			t.Errorf("logged %d times:\n%s", n, &log)
		}
		if n := strings.Count(log.String(), "skipped"); n != 1 {
			t.Errorf("logged %d times:\n%s", n, &log)
		}
		stats := d.Stats()
		if got := stats[0]; got.Failures != 5 || got.Targets != 1 || got.Dropped[DropInvalid] != 1 || got.LastList.IsZero() {
			t.Errorf("%+v", got)
		}
		if got := stats[1]; got.Failures != 61 || !got.LastList.IsZero() { // one a minute, for an hour
			t.Errorf("%+v", got)
		}
	})
}

func TestNothingIsRegisteredForAll(t *testing.T) {
	p := &published{last: map[prober.Source]string{}}
	d, stop := running(t, Options{Replace: p.replace})
	defer stop()
	d.Sync([]*Job{{
		Name: "j", Defaults: defaults("tcp_connect"), Mechanisms: []Mechanism{
			{"static_sd", []Config{{discovery.StaticConfig{group(nil, "a:1")}, "x"}}},
		},
	}}, kinds)
	for deadline := time.Now().Add(10 * time.Second); d.Stats()[0].Targets != 1; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the fixed list is not there")
		}
	}
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if strings.Contains(f.GetName(), "_sd_") {
			t.Errorf("%s is registered for all", f.GetName())
		}
	}
}

func TestDamagedListsAreNoFailure(t *testing.T) {
	kept := filepath.Join(t.TempDir(), "discovered.json")
	if err := os.WriteFile(kept, []byte(`{"x_sd:j": `), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	p := &published{last: map[prober.Source]string{}}
	d := New(Options{Replace: p.replace, KeptFile: kept, Log: slog.New(slog.NewTextHandler(&log, nil))})
	d.Sync([]*Job{jobOf("j", newScripted())}, kinds)
	p.want(t, map[prober.Source]string{"x_sd:j": ""})
	if !strings.Contains(log.String(), "no longer known") {
		t.Error(&log)
	}
}

// TestUnwrittenLists are said to be, until they are written.
func TestUnwrittenLists(t *testing.T) {
	kept := filepath.Join(t.TempDir(), "discovered.json")
	p := &published{last: map[prober.Source]string{}}
	d := New(Options{Replace: p.replace, KeptFile: kept})
	d.Sync([]*Job{jobOf("j", newScripted())}, kinds)
	if err := os.MkdirAll(filepath.Join(kept, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, true, false} {
		if i == 2 {
			if err := os.RemoveAll(kept); err != nil {
				t.Fatal(err)
			}
		}
		if d.keep(); d.Unwritten() != want {
			t.Errorf("after %d attempts: unwritten %v", i+1, d.Unwritten())
		}
	}
}

func FuzzKept(f *testing.F) {
	f.Add([]byte(`{"x_sd:j": {"0123": [{"__address__": "a:1"}], "": [null]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		file := filepath.Join(t.TempDir(), "discovered.json")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		p := &published{last: map[prober.Source]string{}}
		New(Options{Replace: p.replace, KeptFile: file}).Sync([]*Job{jobOf("j", newScripted())}, kinds)
	})
}
