package registry

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/health-exporter/health_exporter/prober"
)

// follower knows the effective set by what Changes says alone.
type follower struct {
	targets map[string]*prober.Target
	whole   int // how often it was told everything
}

func (f *follower) take(t *testing.T, r *Registry, all bool) {
	t.Helper()
	c := r.Changes(all)
	if c.All {
		f.whole++
		f.targets = map[string]*prober.Target{}
	}
	for _, target := range c.Targets {
		f.targets[target.App] = target
	}
	for _, app := range c.Removed {
		delete(f.targets, app)
	}
	want := r.Targets()
	if got := slices.Sorted(maps.Keys(f.targets)); len(got) != len(want) {
		t.Fatalf("%d targets by the changes, %d all told", len(got), len(want))
	}
	for i, target := range want {
		if f.targets[target.App] != target {
			t.Fatalf("%q is %+v by the changes, and %+v", target.App, f.targets[target.App], target)
		}
		if i > 0 && want[i-1].App >= target.App {
			t.Fatalf("%q comes after %q", target.App, want[i-1].App)
		}
	}
	for i := range c.Gone {
		if f.targets[c.Gone[i].App] != nil {
			t.Fatalf("%q is a target, and gone", c.Gone[i].App)
		}
	}
	if !slices.IsSortedFunc(c.Gone, func(a, b Tombstone) int { return compareKeys(key{app: a.App}, key{app: b.App}) }) || len(c.Gone) != len(r.tombstones) {
		t.Fatalf("gone are %v, of %d", c.Gone, len(r.tombstones))
	}
}

// Whatever happens, in whatever order it is looked at: who follows the changes has the set.
func TestChangesLeadToTheSet(t *testing.T) {
	r := open(t, Options{})
	defer shut(t, r)
	random, f := rand.New(rand.NewPCG(3, 4)), follower{}
	app := func() string { return fmt.Sprint("app-", random.IntN(30)) }
	for range 2000 {
		switch random.IntN(7) {
		case 0, 1:
			target := api(app())
			target.URL = fmt.Sprint("http://x/", random.IntN(3))
			put(t, r, target)
		case 2:
			if _, err := r.Remove(prober.SourceAPI, app()); err != nil {
				t.Fatal(err)
			}
		case 3:
			_ = r.SetPaused(app(), random.IntN(2) == 0) // there need not be one
		case 4:
			var names []string
			for range random.IntN(10) {
				names = append(names, app())
			}
			r.Replace([]prober.Source{"config", "mdns", prober.SourceOfJob("file_sd", "j")}[random.IntN(3)], from(fmt.Sprint("http://y/", random.IntN(2)), names...))
		case 5:
			f.take(t, r, random.IntN(20) == 0)
		case 6:
			r.Targets()
		}
	}
	f.take(t, r, false)
	if c := r.Changes(false); c.All || len(c.Targets)+len(c.Removed) > 0 {
		t.Errorf("told twice: %+v", c)
	}
	if f.whole > 40 {
		t.Errorf("everything was told %d times", f.whole)
	}
}

// Names that nobody asks for do not pile up.
func TestChangesThatNobodyTakesAreBounded(t *testing.T) {
	r := open(t, Options{})
	defer shut(t, r)
	r.Changes(false)
	for round := range 20 {
		r.Replace("config", from("http://x", fmt.Sprint("a", round), fmt.Sprint("b", round)))
		names := numbered(200)
		for i := range names {
			names[i] = fmt.Sprint(round, names[i])
		}
		r.Replace("mdns", from("http://x", names...))
	}
	if len(r.news.apps) > 202+fewNews {
		t.Errorf("%d names are kept", len(r.news.apps))
	}
	if c := r.Changes(false); !c.All || len(c.Targets) != 202 {
		t.Errorf("everything was to be told: %v, %d", c.All, len(c.Targets))
	}
}

// BenchmarkRegister registers one among so many, asks for what has changed, and removes it again.
func BenchmarkRegister(b *testing.B) {
	for _, n := range []int{0, 10_000, 100_000} {
		b.Run(fmt.Sprint("targets=", n), func(b *testing.B) {
			r := open(b, Options{Path: b.TempDir()})
			defer shut(b, r)
			if err := r.Load(from("http://x/", numbered(n)...)); err != nil {
				b.Fatal(err)
			}
			r.Changes(true)
			b.ReportAllocs()
			for b.Loop() {
				put(b, r, api("one more"))
				r.Changes(false)
				if _, err := r.Remove(prober.SourceAPI, "one more"); err != nil {
					b.Fatal(err)
				}
				r.Changes(false)
			}
		})
	}
}
