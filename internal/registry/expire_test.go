package registry

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

func leased(app string, ttl time.Duration) prober.Target {
	t := api(app)
	t.TTL = ttl
	return t
}

func mustRenew(t testing.TB, r *Registry, app string) {
	t.Helper()
	if _, err := r.Renew(app, nil); err != nil {
		t.Fatal(err)
	}
}

func gone(r *Registry) []string {
	names := []string{}
	for _, t := range r.Tombstones() {
		names = append(names, t.App)
	}
	return names
}

func wantBuried(t testing.TB, r *Registry, want ...string) {
	t.Helper()
	if got := gone(r); !slices.Equal(got, append([]string{}, want...)) {
		t.Errorf("tombstones %q, want %q", got, want)
	}
}

// transactions counts the commits that have reached the file.
func transactions(t testing.TB, r *Registry) int {
	t.Helper()
	n := 0
	if err := r.store.db.View(func(tx *bolt.Tx) error { n = tx.ID(); return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestLeaseEnds is about what a lease is, with a disk and without.
func TestLeaseEnds(t *testing.T) {
	for name, path := range map[string]string{"memory": "", "disk": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &journal{}
				r := open(t, Options{Path: path, Log: log.logger()})
				put(t, r, leased("renewed", time.Minute), leased("put again", time.Minute), leased("silent", time.Minute), leased("removed", time.Minute), api("for ever"))
				if err := r.Save(map[string]*schedule.Saved{"silent": state(1)}); err != nil {
					t.Fatal(err)
				}
				if end, ok := r.LeaseEnd("silent"); !ok || !end.Equal(time.Now().Add(time.Minute)) {
					t.Errorf("lease ends %v, %v", end, ok)
				}
				began := time.Now()
				if _, err := r.Remove(prober.SourceAPI, "removed"); err != nil {
					t.Fatal(err)
				}
				<-r.Changed()
				time.Sleep(59 * time.Second)
				mustRenew(t, r, "renewed")
				put(t, r, leased("put again", time.Minute))
				synctest.Wait()
				wantApps(t, r, "for ever", "put again", "renewed", "silent")

				time.Sleep(time.Second)
				synctest.Wait()
				wantApps(t, r, "for ever", "put again", "renewed")
				wantBuried(t, r, "silent")
				select {
				case <-r.Changed():
				default:
					t.Error("nobody was told that it has changed")
				}
				tombstone, ok := r.Tombstone("silent")
				want := Tombstone{
					App: "silent", Source: prober.SourceAPI, Place: "http://10.0.0.7:8096/silent", Group: "attic", Email: "me@example.org", Owner: "token:house", From: "10.0.0.9",
					Reason: LeaseExpired, Since: began.UTC().Round(0), At: time.Now().UTC().Round(0), LastState: health.Unhealthy,
					LastHealthy: state(1).LastHealthy,
				}
				if !ok || tombstone != want {
					t.Errorf("tombstone %+v\nwant      %+v", tombstone, want)
				}
				if got := r.Expired()[LeaseExpired]; got != 1 {
					t.Errorf("%d counted", got)
				}
				if text := log.String(); strings.Count(text, "target is gone") != 1 || !strings.Contains(text, "target=silent") {
					t.Errorf("log %s", text)
				}
				if _, err := r.Renew("silent", nil); !errors.Is(err, ErrNotFound) {
					t.Errorf("renewing what is gone: %v", err)
				}
				if _, err := r.Renew("for ever", nil); !errors.Is(err, ErrNoLease) {
					t.Errorf("renewing what needs none: %v", err)
				}

				put(t, r, leased("silent", time.Minute)) // it is back
				wantBuried(t, r)
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				wantApps(t, r, "for ever")
				wantBuried(t, r, "put again", "renewed", "silent")
				if removed, err := r.RemoveTombstone("silent"); !removed || err != nil {
					t.Errorf("%v %v", removed, err)
				}
				if _, err := r.Remove(prober.SourceAPI, "renewed"); err != nil {
					t.Error(err)
				}
				wantBuried(t, r, "put again")
				time.Sleep(tombstonesKept)
				synctest.Wait()
				wantBuried(t, r)
				shut(t, r)
			})
		})
	}
}

func TestPausedHasTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Options{})
		put(t, r, leased("a", time.Minute))
		if err := r.SetPaused("a", true); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10*time.Minute + 50*time.Second)
		synctest.Wait()
		wantApps(t, r, "a")
		if err := r.SetPaused("a", false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Second)
		synctest.Wait()
		wantApps(t, r, "a")
		time.Sleep(time.Second)
		synctest.Wait()
		wantApps(t, r)
		shut(t, r)
	})
}

func TestLeaseTakenAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Options{})
		put(t, r, leased("a", time.Minute), leased("b", time.Hour))
		put(t, r, api("a"), leased("b", 30*time.Second)) // none any more, and a shorter one
		time.Sleep(40 * time.Second)
		synctest.Wait()
		wantApps(t, r, "a")
		time.Sleep(time.Hour)
		synctest.Wait()
		wantApps(t, r, "a")
		shut(t, r)
	})
}

// TestRestartGrantsOneTerm reads what was in the file at one moment, as after kill -9.
func TestRestartGrantsOneTerm(t *testing.T) {
	dir, killed := t.TempDir(), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Options{Path: dir})
		put(t, r, leased("a", time.Minute), leased("old", 30*time.Second))
		for range 4 {
			time.Sleep(20 * time.Second)
			mustRenew(t, r, "a")
		}
		time.Sleep(10 * time.Second) // the last renewal is on disk
		synctest.Wait()
		renewed := time.Now().Add(-10 * time.Second)
		wantBuried(t, r, "old")
		for _, name := range []string{fileDB, fileMarker} {
			content, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(killed, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		shut(t, r)

		time.Sleep(time.Hour)
		again := open(t, Options{Path: killed, OnCorruption: Fail})
		wantApps(t, again, "a")
		wantBuried(t, again, "old")
		if end, _ := again.LeaseEnd("a"); !end.Equal(time.Now().Add(time.Minute)) {
			t.Errorf("the lease ends in %v", time.Until(end))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		wantApps(t, again)
		if tombstone, _ := again.Tombstone("a"); !tombstone.Since.Equal(renewed) || !strings.HasPrefix(tombstone.Why(), "its registration was not renewed since "+renewed.UTC().Format(time.DateTime)) {
			t.Errorf("%+v: %s; want %v", tombstone, tombstone.Why(), renewed)
		}
		shut(t, again)
	})
	r := open(t, Options{Path: killed, OnCorruption: Fail})
	wantBuried(t, r, "a", "old")
}

// TestRenewalsAreWrittenTogether counts the transactions.
func TestRenewalsAreWrittenTogether(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Options{Path: dir, BackupEvery: 100 * time.Hour})
		names := numbered(200)
		for _, app := range names {
			put(t, r, leased(app, time.Minute))
		}
		time.Sleep(2 * time.Minute / 3)
		for _, app := range names {
			mustRenew(t, r, app)
		}
		before := transactions(t, r)
		for range 60 { // ten minutes, each renewed every 10 s: 12 000 renewals
			time.Sleep(10 * time.Second)
			for _, app := range names {
				mustRenew(t, r, app)
			}
		}
		synctest.Wait()
		if n := transactions(t, r) - before; n < 20 || n > 600/15+1 {
			t.Errorf("12 000 renewals took %d transactions", n)
		}
		wantApps(t, r, names...)
		shut(t, r)
	})
}

// TestRenewingWithABrokenDisk loses the disk: renewals count, and nothing expires that
// could not be given a tombstone.
func TestRenewingWithABrokenDisk(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Options{Path: dir})
		put(t, r, leased("a", time.Minute), leased("b", time.Minute), leased("c", time.Minute))
		r.writeMu.Lock()
		r.store.abandon(errors.New("it is broken"), false)
		r.store.retry = time.Now().Add(5 * time.Minute)
		r.writeMu.Unlock()
		for range 10 {
			time.Sleep(20 * time.Second)
			mustRenew(t, r, "a")
			if _, err := r.Put(leased("c", time.Minute)); err != nil && !errors.Is(err, ErrStorage) {
				t.Fatal(err)
			}
			if end, _ := r.LeaseEnd("c"); !end.Equal(time.Now().Add(time.Minute)) { // it counts all the same
				t.Fatalf("put again, the lease ends in %v", time.Until(end))
			}
		}
		synctest.Wait()
		wantApps(t, r, "a", "b", "c")
		wantBuried(t, r)
		for range 10 { // the disk has recovered
			time.Sleep(20 * time.Second)
			mustRenew(t, r, "a")
		}
		synctest.Wait()
		wantApps(t, r, "a")
		wantBuried(t, r, "b", "c")
		shut(t, r)
	})
	r := open(t, Options{Path: dir, OnCorruption: Fail})
	wantApps(t, r, "a")
	wantBuried(t, r, "b", "c")
}

func TestRenewAsksFirst(t *testing.T) {
	r := open(t, Options{})
	put(t, r, leased("a", time.Minute))
	no := errors.New("no")
	before, _ := r.LeaseEnd("a")
	if _, err := r.Renew("a", func(t *prober.Target) error { return no }); !errors.Is(err, no) {
		t.Error(err)
	}
	if after, _ := r.LeaseEnd("a"); !after.Equal(before) {
		t.Error("renewed although check said no")
	}
}

// TestShadowedLeaseEnds: nothing is gone as long as another source names it.
func TestShadowedLeaseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Options{})
		put(t, r, leased("a", time.Minute))
		other := api("a")
		other.Source = "mdns"
		r.Replace("mdns", []prober.Target{other})
		time.Sleep(time.Hour)
		synctest.Wait()
		wantBuried(t, r)
		if target, ok := r.Target("a"); !ok || target.Source != "mdns" {
			t.Errorf("%+v", target)
		}
		shut(t, r)
	})
}
