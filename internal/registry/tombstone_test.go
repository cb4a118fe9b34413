package registry

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/health-exporter/health_exporter/prober"
)

func TestReplaceBuries(t *testing.T) {
	dir := t.TempDir()
	seen := func(source prober.Source, apps ...string) []prober.Target {
		var list []prober.Target
		for _, app := range apps {
			target := api(app)
			target.Source = source
			list = append(list, target)
		}
		return list
	}
	r := open(t, Options{Path: dir})
	for _, source := range []prober.Source{"config", "file_sd:/x", "http_sd:http://x", "dns_sd:x", "cluster", "mdns"} {
		r.Replace(source, seen(source, string(source)+" a", string(source)+" b", "shared"))
	}
	for _, source := range []prober.Source{"config", "file_sd:/x", "http_sd:http://x", "dns_sd:x", "cluster", "mdns"} {
		r.Replace(source, seen(source, string(source)+" b"))
	}
	wantBuried(t, r, "mdns a", "shared") // mdns was the last to name the one that all had
	r.Replace("mdns", seen("mdns", "mdns a"))
	wantBuried(t, r, "mdns b", "shared")
	if tombstone, _ := r.Tombstone("mdns b"); tombstone.Reason != NotDiscovered || !strings.HasPrefix(tombstone.Why(), "it is no longer discovered (mdns)") {
		t.Errorf("%+v %s", tombstone, tombstone.Why())
	}
	put(t, r, api("shared"))
	wantBuried(t, r, "mdns b")
	r.Retire("mdns")
	wantBuried(t, r, "mdns b")
	if _, ok := r.Target("mdns a"); ok {
		t.Error("a retired source has targets")
	}
	if n := r.Expired()[NotDiscovered]; n != 3 {
		t.Errorf("%d counted", n)
	}
	shut(t, r)
	r = open(t, Options{Path: dir, OnCorruption: Fail})
	wantBuried(t, r, "mdns b")
}

func TestTombstonesAreBounded(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Options{Path: dir, BackupEvery: 1000 * time.Hour})
		put(t, r, leased("first", time.Minute))
		time.Sleep(2 * time.Minute)
		var list []prober.Target
		for i := range maxTombstones {
			target := api(fmt.Sprintf("m%04d", i))
			target.Source = "mdns"
			list = append(list, target)
		}
		r.Replace("mdns", list)
		r.Replace("mdns", list[:1])
		synctest.Wait()
		if n := len(r.Tombstones()); n != maxTombstones || gone(r)[0] != "first" {
			t.Errorf("%d tombstones", n)
		}
		put(t, r, leased("last", time.Minute))
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		names := gone(r)
		if len(names) != maxTombstones || slices.Contains(names, "first") || !slices.Contains(names, "last") {
			t.Errorf("%d tombstones, the oldest is there: %v", len(names), slices.Contains(names, "first"))
		}
		shut(t, r)
	})
	r := open(t, Options{Path: dir, OnCorruption: Fail})
	if n := len(r.Tombstones()); n != maxTombstones {
		t.Errorf("%d tombstones on disk", n)
	}
}

// TestFileOfOlderProgram has no buckets for leases and tombstones.
func TestFileOfOlderProgram(t *testing.T) {
	dir := t.TempDir()
	r := open(t, Options{Path: dir})
	put(t, r, api("a"))
	err := r.store.db.Update(func(tx *bolt.Tx) error {
		return errors.Join(tx.DeleteBucket([]byte(bucketTombstones)), tx.DeleteBucket([]byte(bucketRenewals)))
	})
	if err != nil {
		t.Fatal(err)
	}
	shut(t, r)
	r = open(t, Options{Path: dir, OnCorruption: Fail})
	wantApps(t, r, "a")
	put(t, r, leased("b", time.Minute))
	shut(t, r)
	r = open(t, Options{Path: dir, OnCorruption: Fail})
	wantApps(t, r, "a", "b")
}

// TestLostTombstoneIsDamage: a record that is lost is noticed, and comes back from the
// backup.
func TestLostTombstoneIsDamage(t *testing.T) {
	dir := t.TempDir()
	r := open(t, Options{Path: dir})
	target := api("a")
	target.Source = "mdns"
	r.Replace("mdns", []prober.Target{target})
	r.Replace("mdns", nil)
	if err := r.backUp(); err != nil {
		t.Fatal(err)
	}
	err := r.store.db.Update(func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte(bucketTombstones)) })
	if err != nil {
		t.Fatal(err)
	}
	shut(t, r)
	r = open(t, Options{Path: dir})
	if wantBuried(t, r, "a"); !r.Stats().Recovered {
		t.Error("nobody noticed")
	}
}

func FuzzDecodeTombstone(f *testing.F) {
	f.Add([]byte(`{"app":"a","source":"api","reason":"lease_expired","since":"2026-01-02T03:04:05Z","at":"2026-01-02T03:04:05Z","last_state":"HEALTHY"}`))
	f.Add([]byte(`{"app":"a"}`))
	f.Add([]byte(`{"at":"2026-01-02T03:04:05.123456789Z"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _ = decodeRenewal(body)
		tombstone, err := decodeTombstone("a", body)
		if err == nil && (tombstone.App != "a" || tombstone.Why() == "") {
			t.Errorf("%+v", tombstone)
		}
	})
}
