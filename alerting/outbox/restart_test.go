package outbox

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/testneed"
)

// What was not told when the program ended is told after the next start, and nothing
// twice, wherever it ended.
func TestRestarts(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Path: dir, Interval: -1, Wait: -1})
		w.set("nas", health.Healthy)
		w.pass(time.Second)
		random := rand.New(rand.NewPCG(1, 2))
		want := map[string]int{}
		for range 40 {
			to := health.Unhealthy
			if w.subjects["nas"].State == health.Unhealthy {
				to = health.Healthy
			}
			time.Sleep(20 * time.Minute) // it shall not count as flapping
			w.set("nas", to)
			want[(&alerting.Notice{What: alerting.Changed, Subject: *w.subjects["nas"], To: to}).Title()]++
			if random.IntN(2) == 0 {
				w.tell()
			}
			w.office.set(time.Duration(random.IntN(2))*time.Second, nil)
			time.Sleep(time.Duration(random.IntN(3)) * time.Second)
			w.stop()
			w.open(Options{Path: dir, Interval: -1, Wait: -1})
			w.pass(5 * time.Second)
		}
		w.stop()
		ids, titles := map[string]bool{}, map[string]int{}
		for _, m := range w.office.mails {
			if !ids[m.MessageID] { // the same mail twice is one mail
				ids[m.MessageID] = true
				titles[m.Subject]++
			}
		}
		if fmt.Sprint(titles) != fmt.Sprint(want) {
			t.Errorf("told %v, want %v", titles, want)
		}
	})
}

func TestDamagedOutbox(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, storeFile), []byte(strings.Repeat("nonsense", 10_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Path: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
		w.set("nas", health.Unhealthy)
		w.pass(time.Minute)
		w.expect("ops@example.org: nas is unhealthy")
		w.stop()
	})
	if !strings.Contains(log.String(), "damaged") {
		t.Errorf("log %q", log.String())
	}
	if kept, err := filepath.Glob(filepath.Join(dir, storeFile+".corrupt-*")); err != nil || len(kept) != 1 {
		t.Errorf("kept %q, %v", kept, err)
	}
}

// TestWake: what was held back is told as soon as nothing holds it any more.
func TestWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var held atomic.Bool
		w := newWorld(t, Options{Interval: -1, Wait: -1, Hold: func(*alerting.Subject, time.Time) bool { return held.Load() }})
		defer func() { w.stop() }()
		w.set("nas", health.Healthy)
		w.pass(10 * time.Second)
		held.Store(true)
		w.set("nas", health.Unhealthy)
		w.pass(10 * time.Second)
		w.expect()
		held.Store(false)
		w.outbox.Wake()
		synctest.Wait()
		w.expect("ops@example.org: nas is unhealthy")
	})
}

// TestOldWindows: maintenance windows once were kept here, where others do not see them.
func TestOldWindows(t *testing.T) {
	o, err := Open(Options{Path: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	w := alerting.Window{Name: "patch", Targets: []string{"n*"}, Start: time.Unix(0, 0).UTC(), End: time.Unix(3600, 0).UTC()}
	text := []byte(`{"name":"patch","targets":["n*"],"start":"1970-01-01T00:00:00Z","end":"1970-01-01T01:00:00Z"}`)
	if err := o.store.keep(map[string][]byte{windowPrefix + "patch": text, "checks": []byte("of the pusher")}); err != nil {
		t.Fatal(err)
	}
	if got, err := o.OldWindows(); err != nil || !cmp.Equal(got, []alerting.Window{w}) {
		t.Errorf("%+v, %v", got, err)
	}
	for range 2 {
		if kept, err := o.Kept(); err != nil || len(kept) != 1 || kept["checks"] == nil {
			t.Errorf("others see %v, %v", kept, err)
		}
		if err := o.DropOldWindows(); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := o.OldWindows(); err != nil || len(got) != 0 {
		t.Errorf("dropped, and there: %+v, %v", got, err)
	}
}

// A disk that cannot be written to does not keep anybody from being told.
func TestOutboxOnAFullDisk(t *testing.T) {
	testneed.Linux(t, "/dev/full")
	dir := t.TempDir()
	if err := os.Symlink("/dev/full", filepath.Join(dir, storeFile)); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Path: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
		w.set("nas", health.Unhealthy)
		w.pass(time.Minute)
		w.expect("ops@example.org: nas is unhealthy")
		w.stop()
	})
	if _, err := os.Lstat(filepath.Join(dir, storeFile)); err != nil || !strings.Contains(log.String(), "kept in memory") {
		t.Errorf("%v, log %q", err, log.String())
	}
}

// TestHandedOverWhileDown: whose address is another one after a restart is told of the
// outage, once.
func TestHandedOverWhileDown(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		opts := Options{Path: dir, Wait: -1, Interval: -1}
		w := newWorld(t, opts)
		w.set("nas", health.Healthy)
		w.subjects["nas"].Email = "old@example.org"
		w.pass(time.Second)
		w.set("nas", health.Unhealthy)
		w.pass(time.Second)
		w.expect("old@example.org: nas is unhealthy")
		w.stop()
		w.subjects["nas"].Email = "new@example.org"
		w.shown[w.subjects["nas"].Key()] = *w.subjects["nas"] // the journal does not tell
		w.open(opts)
		synctest.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
		w.expect("new@example.org: nas is unhealthy")
		w.pass(time.Minute)
		w.expect()
		w.set("nas", health.Healthy)
		w.pass(time.Second)
		w.expect("new@example.org: nas is back to healthy")
		w.stop()
	})
}
