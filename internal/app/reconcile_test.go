package app

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/prober"
)

// counting counts how many targets were handed out as changed.
type counting struct {
	*registry.Registry
	handedOut int
}

func (c *counting) Changes(all bool) registry.Changes {
	changes := c.Registry.Changes(all)
	c.handedOut += len(changes.Targets) + len(changes.Removed)
	return changes
}

// pollingOf has the targets of a registry in memory on a schedule that does not run.
func pollingOf(t *testing.T, text string) (*polling, *counting, *config.Config) {
	t.Helper()
	targets, err := registry.Open(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = targets.Close() })
	counted := &counting{Registry: targets}
	p := newPolling(&Options{Log: slog.New(slog.DiscardHandler)}, time.Now(), counted)
	file := t.TempDir() + "/a.yml"
	write(t, file, text)
	cfg, _, err := loadConfig(file, "")
	if err != nil {
		t.Fatal(err)
	}
	p.adopt(cfg)
	p.reconcile()
	return p, counted, cfg
}

// derivedAnew is what the schedule ought to have.
func (p *polling) derivedAnew() (want []prober.Target) {
	for _, target := range p.targets.(*counting).Targets() {
		own := *target
		own.MailAllowed = own.MailAllowed || !own.Source.ByOperator() && own.Email == "me@example.org"
		want = append(want, own)
	}
	return want
}

// TestChangesComeOntoTheSchedule, one by one or many together, as if all of it were made anew.
func TestChangesComeOntoTheSchedule(t *testing.T) {
	const text = "registration: {allowed_emails: [me@example.org]}\ntargets: [{app: t1, url: 'http://10.0.0.1'}, {app: of-the-file, url: 'http://10.0.0.1'}]\n"
	p, targets, cfg := pollingOf(t, text)
	random := rand.New(rand.NewPCG(5, 6))
	app := func() string { return fmt.Sprint("t", random.IntN(20)) }
	one := func() prober.Target {
		target := prober.NewTarget()
		target.App, target.URL, target.Email = app(), fmt.Sprint("http://10.0.0.", random.IntN(3)), []string{"", "me@example.org", "he@example.org"}[random.IntN(3)]
		target.Module = []string{"", "http_2xx", "no_such"}[random.IntN(3)]
		return target
	}
	for range 600 {
		switch random.IntN(6) {
		case 0, 1:
			target := one()
			target.Source, target.Owner, target.From = prober.SourceAPI, registry.Anonymous, prober.FromOwnHost
			if _, err := targets.Put(target); err != nil {
				t.Fatal(err)
			}
		case 2:
			if _, err := targets.Remove(prober.SourceAPI, app()); err != nil {
				t.Fatal(err)
			}
		case 3:
			_ = targets.SetPaused(app(), random.IntN(2) == 0)
		case 4:
			targets.Replace(prober.SourceMDNS, []prober.Target{one(), one()})
		case 5:
			if random.IntN(10) == 0 {
				p.adopt(cfg)
			}
			p.reconcile()
			var got []prober.Target
			for _, st := range p.scheduler.Snapshot() {
				got = append(got, *st.Target)
			}
			if want := p.derivedAnew(); !slices.EqualFunc(got, want, func(a, b prober.Target) bool { return a.Equal(&b) }) {
				t.Fatalf("on the schedule are\n%+v\ninstead of\n%+v", got, want)
			}
			if gone := targets.Tombstones(); !reflect.DeepEqual(*p.gone.Load(), gone) {
				t.Fatalf("gone are %v instead of %v", *p.gone.Load(), gone)
			}
			ofOthers := slices.DeleteFunc(got, func(target prober.Target) bool { return target.Source.ByOperator() })
			if len(p.derived) != len(ofOthers) {
				t.Fatalf("%d targets are kept as derived, of %d", len(p.derived), len(ofOthers))
			}
		}
	}
}

// A target that comes or goes is all that is derived, however many there are; a new
// configuration is a reason to look at all of them.
func TestOneChangeCostsOneTarget(t *testing.T) {
	p, targets, cfg := pollingOf(t, "targets: [{app: one, url: 'http://10.0.0.1'}]\n")
	var list []prober.Target
	for i := range 3000 {
		target := prober.NewTarget()
		target.App, target.URL = fmt.Sprint("t", i), "http://10.0.0.1"
		list = append(list, target)
	}
	job := prober.SourceOfJob("file_sd", "job")
	targets.Replace(job, list)
	p.reconcile()
	for name, c := range map[string]struct {
		change func()
		want   int
	}{
		"nothing":      {func() {}, 0},
		"a pause":      {func() { _ = targets.SetPaused("t7", true) }, 1},
		"same list":    {func() { targets.Replace(job, list) }, 0},
		"shorter list": {func() { targets.Replace(job, list[1:]) }, 1},
		"reload":       {func() { p.adopt(cfg) }, 3001},
	} {
		targets.Replace(job, list)
		_ = targets.SetPaused("t7", false)
		p.reconcile()
		targets.handedOut = 0
		c.change()
		p.reconcile()
		if targets.handedOut != c.want {
			t.Errorf("%s: %d targets were looked at, want %d", name, targets.handedOut, c.want)
		}
	}
}
