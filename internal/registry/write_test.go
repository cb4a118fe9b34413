package registry

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

func TestPutKeepsRegisteredAt(t *testing.T) {
	r := open(t, Options{Path: t.TempDir()})
	put(t, r, api("a"))
	first, _ := r.Target("a")
	if age := time.Since(first.RegisteredAt); age < 0 || age > time.Minute {
		t.Errorf("registered %v ago", age)
	}
	again := api("a")
	again.RegisteredAt, again.Interval = time.Now().Add(time.Hour), time.Minute
	if created, err := r.Put(again); created || err != nil {
		t.Errorf("Put = %v, %v", created, err)
	}
	second, _ := r.Target("a")
	if !second.RegisteredAt.Equal(first.RegisteredAt) || second.Interval != time.Minute {
		t.Errorf("after update: %+v", second)
	}
}

func TestPutRefusesWhatWouldNotReadBack(t *testing.T) {
	change := func(f func(*prober.Target)) prober.Target {
		target := api("a")
		f(&target)
		return target
	}
	tests := []struct {
		name   string
		target prober.Target
	}{
		{"volatile source", change(func(t *prober.Target) { t.Source = "config" })},
		{"no name", change(func(t *prober.Target) { t.App = "" })},
		{"NUL in the name", change(func(t *prober.Target) { t.App = "a\x00b" })},
		{"name is not a UTF-8", change(func(t *prober.Target) { t.App = "a\xff" })},
		{"email is not a UTF-8", change(func(t *prober.Target) { t.Email = "a\xff" })},
		{"status code", change(func(t *prober.Target) { t.StatusCodes = prober.StatusCodes{{First: 1, Last: 2}} })},
		{"year", change(func(t *prober.Target) { t.RegisteredAt = time.Unix(math.MaxInt32*1000, 0) })},
	}
	r := open(t, Options{Path: t.TempDir()})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := r.Put(test.target); err == nil || errors.Is(err, ErrStorage) {
				t.Errorf("error %v", err)
			}
		})
	}
	wantApps(t, r)
	if _, err := r.Remove("config", "a"); err == nil {
		t.Error("a volatile source's target can be removed")
	}
}

// TestPutIfCountsWhatIsOnItsWay lets many register at once against a quota: not
// one too many may pass, though they are written together.
func TestPutIfCountsWhatIsOnItsWay(t *testing.T) {
	r := open(t, Options{Path: t.TempDir()})
	r.Replace("config", from("http://x", "c1", "c2", "app-0003"))
	quota := errors.New("quota")
	var refused atomic.Int32
	var all sync.WaitGroup
	for _, app := range numbered(64) {
		all.Go(func() {
			_, err := r.PutIf(api(app), func(old *prober.Target, held Held) error {
				total, owned := held.Total, held.Owned
				if old != nil || total < 3+owned-1 || total > 3+owned {
					t.Errorf("old %v, total %d, owned %d", old, total, owned)
				}
				if owned >= 20 {
					return quota
				}
				return nil
			})
			if errors.Is(err, quota) {
				refused.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if stored := len(r.sources[prober.SourceAPI]); stored != 20 || refused.Load() != 44 {
		t.Errorf("%d stored, %d refused", stored, refused.Load())
	}
}

func TestPutIfSeesOwnership(t *testing.T) {
	r := open(t, Options{Path: t.TempDir()})
	put(t, r, api("a"))
	theirs := api("a")
	theirs.Owner = "somebody else"
	denied := errors.New("denied")
	_, err := r.PutIf(theirs, func(old *prober.Target, held Held) error {
		total, owned := held.Total, held.Owned
		if old.Owner != "token:house" || total != 1 || owned != 0 {
			t.Errorf("old %v, total %d, owned %d", old, total, owned)
		}
		return denied
	})
	if !errors.Is(err, denied) {
		t.Errorf("error %v", err)
	}
	put(t, r, theirs)
	if want := (tally{"owner somebody else": 1}); !cmp.Equal(want, r.owned) {
		t.Errorf("owned: %v", r.owned)
	}
}

func TestPanicInCheckHurtsItsCallerOnly(t *testing.T) {
	r := open(t, Options{Path: t.TempDir()})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is lost")
			}
		}()
		_, _ = r.PutIf(api("a"), func(*prober.Target, Held) error { panic("oops") })
	}()
	put(t, r, api("b"))
	wantApps(t, r, "b")
}

func TestPause(t *testing.T) {
	dir := t.TempDir()
	r := open(t, Options{Path: dir})
	paused := func(app string, want bool) {
		t.Helper()
		if got, ok := r.Target(app); !ok || got.Paused != want {
			t.Errorf("%s: %+v, want paused %v", app, got, want)
		}
	}
	pause := func(app string, word bool) {
		t.Helper()
		if err := r.SetPaused(app, word); err != nil {
			t.Error(err)
		}
		paused(app, word)
	}
	if err := r.SetPaused("x", true); !errors.Is(err, ErrNotFound) {
		t.Errorf("error %v", err)
	}
	own := from("http://config", "x", "asleep")
	own[1].Paused = true
	r.Replace("config", own)
	put(t, r, api("mine"))

	pause("x", true)
	pause("mine", true)
	paused("asleep", true)
	pause("asleep", false) // the operator's word outranks the file's
	own[0].URL = "http://moved"
	r.Replace("config", own)
	put(t, r, api("mine"))
	paused("x", true)
	paused("asleep", false)
	paused("mine", true)

	shut(t, r)
	r = open(t, Options{Path: dir})
	paused("mine", true)
	r.Replace("config", own)
	paused("x", true)
	paused("asleep", false)
	pause("x", false)
	pause("x", false)

	if _, err := r.Remove(prober.SourceAPI, "mine"); err != nil {
		t.Fatal(err)
	}
	put(t, r, api("mine"))
	paused("mine", false) // removed on purpose: the pause went with it
	r.Replace("config", nil)
	r.Replace("config", own)
	paused("asleep", false) // a moment's absence
	r.Replace("config", nil)
	if err := r.Forget([]string{"asleep"}); err != nil {
		t.Fatal(err)
	}
	r.Replace("config", own)
	paused("asleep", true) // forgotten
}

func TestManyAtOnce(t *testing.T) {
	dir := t.TempDir()
	r := open(t, Options{Path: dir, BackupEvery: 5 * time.Millisecond})
	var all sync.WaitGroup
	for w := range 16 {
		all.Go(func() {
			for i := range 20 {
				app := fmt.Sprintf("w%02d-%02d", w, i)
				put(t, r, api(app))
				if got, ok := r.Target(app); !ok || got.App != app {
					t.Errorf("%s is acknowledged and not visible", app)
				}
				if i%4 == 0 {
					if ok, err := r.Remove(prober.SourceAPI, app); !ok || err != nil {
						t.Error(ok, err)
					}
				}
			}
		})
	}
	all.Go(func() {
		for i := range 50 {
			r.Replace("mdns", from(fmt.Sprint("http://", i), "m1", "w00-00"))
			_ = r.Save(map[string]*schedule.Saved{"m1": state(i)})
			r.Targets()
			r.Stats()
		}
	})
	all.Wait()
	r.Replace("mdns", nil)
	want := apps(r)
	if len(want) != 16*15 {
		t.Errorf("%d targets", len(want))
	}
	shut(t, r)
	r = open(t, Options{Path: dir})
	wantApps(t, r, want...)
	if len(r.Saved("m1").Transitions) != 49 {
		t.Error("the last state is lost")
	}
}
