package registry

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"github.com/health-exporter/health_exporter/health"
	events "github.com/health-exporter/health_exporter/internal/journal"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// noted is a journal that notes changes as one word each, and has states and events to
// give.
type noted struct {
	*events.Journal
	registry *Registry
	refuse   error // each transaction
	states   map[string]*schedule.Saved
	pending  []events.Event
}

func note(path string) (*noted, Options) {
	n := &noted{}
	o := events.Options{Recent: 1000}
	if path != "" {
		o.View = func(read func(*bolt.Tx) error) error { return n.registry.View(read) }
	}
	n.Journal = events.New(o)
	return n, Options{Path: path, Journal: n}
}

func (n *noted) Examine(tx *bolt.Tx) []string { return events.Examine(tx) }
func (n *noted) Copy(to, from *bolt.Tx) error { return events.Copy(to, from) }

func (n *noted) Collect() (map[string]*schedule.Saved, bool) {
	states := n.states
	n.states = nil
	return states, len(n.pending) > 0
}

func (n *noted) Write(tx *bolt.Tx, changes []Change) (func(), error) {
	list := slices.Clone(n.pending)
	for _, c := range changes {
		list = append(list, events.Event{Time: c.At, Kind: events.Target, Name: c.App, What: events.What(word(c)), To: c.State})
	}
	publish, err := n.Append(tx, list)
	return func() { n.pending = nil; publish() }, cmp.Or(err, n.refuse)
}

func (n *noted) Failed() {
	if publish, err := n.Append(nil, n.pending); err == nil {
		publish()
	}
	n.pending = nil
}

func word(c Change) string {
	switch {
	case c.New == nil && c.Gone != nil:
		return "gone"
	case c.New == nil && c.Old == nil:
		return "forgotten"
	case c.New == nil:
		return "removed"
	case c.Old == nil && c.Buried != nil:
		return "returned"
	case c.Old == nil:
		return "registered"
	case c.Old.Paused != c.New.Paused:
		return fmt.Sprint("paused=", c.New.Paused)
	}
	return "changed"
}

// words are those of all events.
func (n *noted) words(t *testing.T) (list []string) {
	t.Helper()
	all, err := n.Read(0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		list = append(list, e.Name+" "+string(e.What))
	}
	return list
}

// TestChangesForTheJournal: each change of the effective set is told once, as what it is,
// and what changes nothing is not.
func TestChangesForTheJournal(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		n, o := note(dir)
		r := open(t, o)
		n.registry = r
		at := 0
		wants := func(what string, want ...string) {
			t.Helper()
			all := n.words(t)
			if got := all[at:]; !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", what, got, want)
			}
			at = len(all)
		}
		put(t, r, api("a"))
		wants("put", "a registered")
		put(t, r, api("a"))
		wants("put again")
		moved := api("a")
		moved.URL = "http://moved"
		put(t, r, moved)
		wants("moved", "a changed")
		must(r.SetPaused("a", true))
		must(r.SetPaused("a", true))
		wants("paused", "a paused=true")
		r.Replace("config", from("http://x", "a", "c"))
		wants("of the file", "a changed", "c registered")
		put(t, r, api("a"))
		wants("behind another")
		r.Replace("config", nil)
		wants("no longer", "a changed", "c removed")
		must(r.SetPaused("a", false))
		wants("resumed", "a paused=false")
		r.Replace("mdns", from("http://x", "m", "n"))
		r.Replace("mdns", from("http://x", "n"))
		wants("not found any more", "m registered", "n registered", "m gone")
		r.Replace("mdns", from("http://x", "n", "m"))
		wants("found again", "m returned")
		r.Replace("mdns", nil)
		put(t, r, api("m"))
		wants("registered instead", "m gone", "n gone", "m returned")
		if _, err := r.RemoveTombstone("n"); err != nil {
			t.Fatal(err)
		}
		wants("not missed", "n forgotten")
		if _, err := r.Remove(prober.SourceAPI, "a"); err != nil {
			t.Fatal(err)
		}
		wants("removed", "a removed")
		leased := api("l")
		leased.TTL = time.Minute
		put(t, r, leased)
		if _, err := r.Renew("l", nil); err != nil {
			t.Fatal(err)
		}
		r.expire(time.Now().Add(time.Hour))
		r.expire(time.Now().Add(8 * 24 * time.Hour)) // old tombstones are dropped
		wants("not renewed", "l registered", "l gone", "l forgotten")
		r.Replace("mdns", from("http://x", "m", "n"))
		wants("behind what is registered", "n registered")
		r.Retire("mdns")
		wants("nobody wants it", "n removed")
		r.Replace("mdns", from("http://x", "n", "o"))
		r.Replace("mdns", from("http://x", "o"))
		r.mu.Lock()
		r.tombstones["n"].At = time.Now().Add(-8 * 24 * time.Hour)
		r.mu.Unlock()
		r.Replace("mdns", from("http://y", "o"))
		wants("gone for long", "n registered", "o registered", "n gone", "o changed", "n forgotten")
		shut(t, r)
	}
}

// TestJournalTakesStatesAlong: whoever writes takes along the states that have changed,
// and what happened.
func TestJournalTakesStatesAlong(t *testing.T) {
	dir := t.TempDir()
	n, o := note(dir)
	r := open(t, o)
	n.registry = r
	n.states = map[string]*schedule.Saved{"x": state(1)}
	n.pending = []events.Event{{Time: now(), Name: "x", What: events.StateChanged}}
	put(t, r, api("a"))
	must(r.Flush()) // nothing is left
	n.states = map[string]*schedule.Saved{"y": state(2)}
	must(r.Flush())
	n.pending = []events.Event{{Time: now(), Name: "z", What: events.Maintenance}}
	must(r.Flush())
	want := []string{"x state", "a registered", "z maintenance"}
	if got := n.words(t); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	shut(t, r)
	n, o = note(dir)
	r = open(t, o)
	n.registry = r
	if got := n.words(t); !slices.Equal(got, want) || n.Opened() != 3 {
		t.Errorf("after the restart %q, want %q", got, want)
	}
	if names := slices.Sorted(maps.Keys(r.saved)); !slices.Equal(names, []string{"x", "y"}) {
		t.Errorf("states of %q", names)
	}
}

// TestJournalWithoutDisk: what happened is published although the disk fails, and
// written when it does not any more; what was refused has not happened.
func TestJournalWithoutDisk(t *testing.T) {
	dir := t.TempDir()
	n, o := note(dir)
	r := open(t, o)
	n.registry = r
	put(t, r, api("a"))
	_ = r.store.db.File().Close()
	for i := range 2 {
		n.states = map[string]*schedule.Saved{"x": state(i + 1)}
		n.pending = []events.Event{{Time: now(), Name: "x", What: events.StateChanged, To: health.Verdict(i)}}
		if _, err := r.Put(api("b")); !errors.Is(err, ErrStorage) {
			t.Fatal(err)
		}
	}
	want := []string{"a registered", "x state", "x state"}
	if got := n.words(t); !slices.Equal(got, want) || n.Stats().Unwritten != 2 {
		t.Errorf("%q, want %q; %+v", got, want, n.Stats())
	}
	impatient(r)
	put(t, r, api("c"))
	want = append(want, "c registered")
	if got := n.words(t); !slices.Equal(got, want) || n.Stats().Unwritten != 0 {
		t.Errorf("%q, want %q; %+v", got, want, n.Stats())
	}
	shut(t, r)
	_, o = note(dir)
	o.OnCorruption = Fail
	r = open(t, o)
	n.registry = r
	if got := n.words(t); !slices.Equal(got, want) {
		t.Errorf("after the restart %q, want %q", got, want)
	}
	if diff := gocmp.Diff(state(2), r.Saved("x")); diff != "" {
		t.Errorf("the state (-want +got):\n%s", diff)
	}
}

// TestKilledAfterTheFileWasWrittenAnew: the new file has what happened together with the
// states, also if nothing can be written to it any more.
func TestKilledAfterTheFileWasWrittenAnew(t *testing.T) {
	dir := t.TempDir()
	n, o := note(dir)
	r := open(t, o)
	n.registry = r
	put(t, r, api("a"))
	_ = r.store.db.File().Close()
	if _, err := r.Put(api("b")); !errors.Is(err, ErrStorage) {
		t.Fatal(err)
	}
	impatient(r)
	n.states = map[string]*schedule.Saved{"x": state(1)}
	n.pending = []events.Event{{Time: now(), Name: "x", What: events.StateChanged}}
	n.refuse = errors.New("refused")
	if _, err := r.Put(api("b")); !errors.Is(err, n.refuse) {
		t.Fatal(err)
	}
	killed := t.TempDir()
	for _, name := range []string{fileDB, fileMarker} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		must(os.WriteFile(filepath.Join(killed, name), content, 0o600))
	}
	n, o = note(killed)
	o.OnCorruption = Fail
	n.registry = open(t, o)
	if got := n.words(t); !slices.Equal(got, []string{"a registered", "x state"}) || n.registry.Saved("x") == nil {
		t.Errorf("it has %q, and the state %v", got, n.registry.Saved("x"))
	}
}

// TestDamagedOldLayout: what is written anew has our layout, so that nobody takes it for
// the older program's.
func TestDamagedOldLayout(t *testing.T) {
	dir := t.TempDir()
	r := open(t, Options{Path: dir})
	put(t, r, api("a"), api("b"), api("c"))
	r.writeMu.Lock()
	r.dirty = false // no backup
	r.writeMu.Unlock()
	shut(t, r)
	rewriteMeta(t, filepath.Join(dir, fileDB), metaSchema, "1")
	overwrite(t, filepath.Join(dir, fileDB), func(b []byte) []byte {
		return bytes.ReplaceAll(b, []byte("8096/b"), []byte("8097/b"))
	})
	r = open(t, Options{Path: dir})
	wantApps(t, r, "a", "c")
	if _, err := os.Stat(filepath.Join(dir, fileBefore+"1")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("kept as the older program's: %v", err)
	}
}

// TestDamagedJournal: damage to what happened is noticed, costs no target, and no number
// is used again.
func TestDamagedJournal(t *testing.T) {
	dir := t.TempDir()
	n, o := note(dir)
	r := open(t, o)
	n.registry = r
	for i := range 20 {
		put(t, r, api(fmt.Sprintf("app-%04d", i)))
	}
	r.writeMu.Lock()
	r.dirty = false // no backup
	r.writeMu.Unlock()
	shut(t, r)
	overwrite(t, filepath.Join(dir, fileDB), func(b []byte) []byte {
		// The name of an event comes after its length and before an empty reason.
		if !bytes.Contains(b, []byte("\x08app-0007\x00")) {
			t.Fatal("no such event")
		}
		return bytes.ReplaceAll(b, []byte("\x08app-0007\x00"), []byte("\x08app-1007\x00"))
	})
	_, o = note(dir)
	o.OnCorruption = Fail
	if _, err := Open(o); err == nil || !strings.Contains(err.Error(), "journal: event 8: checksum does not match") {
		t.Fatalf("error %v", err)
	}
	n, o = note(dir)
	r = open(t, o)
	n.registry = r
	wantApps(t, r, numbered(20)...)
	put(t, r, api("later"))
	if list, err := n.Read(0, 100); err != nil || len(list) != 7 {
		t.Errorf("of what is sound %v is left, %v", list, err)
	}
	_, err := n.Read(7, 100)
	if _, ok := errors.AsType[events.ErrBehind](err); !ok {
		t.Errorf("what is missing was read, error %v", err)
	}
	_, err = n.Read(20, 100)
	if b, ok := errors.AsType[events.ErrBehind](err); !ok || b.First != n.Head() || b.First < 1<<32 {
		t.Errorf("error %v, head %d", err, n.Head())
	}
	shut(t, r)
	n, o = note(dir)
	o.OnCorruption = Fail
	n.registry = open(t, o)
	if list, err := n.Read(n.Head()-1, 100); err != nil || len(list) != 1 || list[0].Name != "later" {
		t.Errorf("%v, %v", list, err)
	}
}

// TestBackupsAreWithoutTheJournal: they are for registrations. After a restore from one
// alone nobody takes what happens then for what has happened before.
func TestBackupsAreWithoutTheJournal(t *testing.T) {
	dir := t.TempDir()
	n, o := note(dir)
	r := open(t, o)
	n.registry = r
	put(t, r, api("a"), api("b"))
	shut(t, r)
	c, faults, err := examine(filepath.Join(dir, fileBackup+"1"), 0, func(tx *bolt.Tx) (others []string) {
		must(tx.ForEach(func(name []byte, _ *bolt.Bucket) error {
			if !slices.Contains(buckets(), string(name)) {
				others = append(others, string(name))
			}
			return nil
		}))
		return others
	})
	if err != nil || len(faults) > 0 || len(c.targets) != 2 {
		t.Fatalf("the backup: %v, %q, %v", c, faults, err)
	}
	overwrite(t, filepath.Join(dir, fileDB), func(b []byte) []byte { return b[:len(b)/3] })
	n, o = note(dir)
	r = open(t, o)
	n.registry = r
	wantApps(t, r, "a", "b")
	put(t, r, api("c"))
	for _, cursor := range []uint64{0, 1, 2, 3} {
		list, err := n.Read(cursor, 10)
		if b, ok := errors.AsType[events.ErrBehind](err); !ok || len(list) > 0 || b.First != n.Head() {
			t.Errorf("after %d: %v, %v", cursor, list, err)
		}
	}
}

// TestOldLayout: the file of an older program is taken over, and kept as it was.
func TestOldLayout(t *testing.T) {
	dir := stored(t)
	rewriteMeta(t, filepath.Join(dir, fileDB), metaSchema, "1")
	before := filepath.Join(dir, fileBefore+"1")
	for range 2 {
		n, o := note(dir)
		o.OnCorruption = Fail
		r := open(t, o)
		n.registry = r
		wantApps(t, r, append(numbered(100)[1:], "newest")...)
		c, faults, err := r.store.examine(before)
		if err != nil || len(faults) > 0 || c.version != 1 || len(c.targets) != 100 {
			t.Fatalf("kept: %+v, %q, %v", c, faults, err)
		}
		must(r.SetPaused("app-0002", true))
		must(r.SetPaused("app-0002", false))
		if n.Head() == 0 {
			t.Error("nothing is written down")
		}
		shut(t, r)
	}
	if c, _, err := examine(filepath.Join(dir, fileDB), 0, events.Examine); err != nil || c.version != schema {
		t.Errorf("%+v, %v", c, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*new*")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// TestOldLayoutCannotBeKept: as long as there is no copy the older program's file stays
// the older program's.
func TestOldLayoutCannotBeKept(t *testing.T) {
	dir := stored(t)
	rewriteMeta(t, filepath.Join(dir, fileDB), metaSchema, "1")
	must(os.MkdirAll(filepath.Join(dir, fileBefore+"1", "in the way"), 0o700))
	if _, err := Open(Options{Path: dir}); err == nil || !strings.Contains(err.Error(), "as it was before this program uses it") {
		t.Errorf("error %v", err)
	}
	if c, _, err := examine(filepath.Join(dir, fileDB), 0, events.Examine); err != nil || c.version != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}
