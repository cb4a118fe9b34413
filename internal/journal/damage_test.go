package journal

import (
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/health-exporter/health_exporter/internal/durable"
)

func TestExamine(t *testing.T) {
	tests := []struct {
		name   string
		damage func(b *bbolt.Bucket) error
		want   string
	}{
		{"nothing", func(*bbolt.Bucket) error { return nil }, ""},
		{"a bit", func(b *bbolt.Bucket) error {
			value := append([]byte(nil), b.Get(keyOf(5))...)
			value[len(value)-1] ^= 1
			return b.Put(keyOf(5), value)
		}, "journal: event 5: checksum does not match"},
		{"another's place", func(b *bbolt.Bucket) error { return b.Put(keyOf(5), b.Get(keyOf(6))) }, "journal: event 5: checksum does not match"},
		{"short", func(b *bbolt.Bucket) error { return b.Put(keyOf(5), []byte{1}) }, "journal: event 5: checksum does not match"},
		{"sealed nonsense", func(b *bbolt.Bucket) error { return b.Put(keyOf(5), durable.Seal(place(5), []byte{1, 1, 77})) }, "journal: event 5: malformed event"},
		{"a newer one", func(b *bbolt.Bucket) error { return b.Put(keyOf(5), durable.Seal(place(5), []byte{9})) }, "journal: event 5: event of unknown version 9"},
		{"lost", func(b *bbolt.Bucket) error { return b.Delete(keyOf(5)) }, "journal: events 5 to 5 are missing"},
		{"the last lost", func(b *bbolt.Bucket) error { return b.Delete(keyOf(20)) }, "journal: its last event is 19, and ought to be 20"},
		{"one too many", func(b *bbolt.Bucket) error {
			e := Event{Seq: 21}
			return b.Put(keyOf(21), encode(&e, false))
		}, "journal: its last event is 21, and ought to be 20"},
		{"a foreign key", func(b *bbolt.Bucket) error { return b.Put([]byte("who"), []byte("me")) }, `journal: "who" is not the number of an event`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := inDir(t, Options{})
			f.must(t, events(1, 20)...)
			if err := f.db.Update(func(tx *bbolt.Tx) error { return test.damage(tx.Bucket([]byte(bucketName))) }); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(f.faults(t), "\n"); got != test.want {
				t.Errorf("faults %q, want %q", got, test.want)
			}
		})
	}
}

// TestDamagedSince: an event that was damaged since the start is a hole.
func TestDamagedSince(t *testing.T) {
	f := inDir(t, Options{Recent: 3})
	f.must(t, events(1, 20)...)
	if err := f.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte(bucketName)).Put(keyOf(5), nil) }); err != nil {
		t.Fatal(err)
	}
	list, err := f.Read(0, 100)
	if err != nil {
		t.Fatal(err)
	}
	wantEvents(t, list, 1, 1, 4)
	if first := behind(t, f.Journal, 4); first != 6 {
		t.Errorf("the first is %d", first)
	}
	wantEvents(t, readAll(t, f.Journal, 5), 6, 6, 20)
}

// rescued makes a new file of others.
func rescued(t *testing.T, j *Journal, from ...*file) *file {
	t.Helper()
	to := inDir(t, Options{Recent: 3})
	if err := to.db.Update(func(tx *bbolt.Tx) error {
		for _, each := range from {
			if err := each.db.View(func(old *bbolt.Tx) error { return Copy(tx, old) }); err != nil {
				return err
			}
		}
		return j.Rescue(tx)
	}); err != nil {
		t.Fatal(err)
	}
	if got := to.faults(t); got != nil {
		t.Errorf("faults: %q", got)
	}
	return to
}

func (f *file) lose(t *testing.T, seqs ...uint64) {
	t.Helper()
	if err := f.db.Update(func(tx *bbolt.Tx) error {
		for _, seq := range seqs {
			if err := tx.Bucket([]byte(bucketName)).Put(keyOf(seq), []byte("lost")); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestRescueAtStart: what is sound in the damaged file and in a backup goes on, no number
// is used again, and whoever had read what is lost is told so.
func TestRescueAtStart(t *testing.T) {
	damaged, backup := inDir(t, Options{}), inDir(t, Options{})
	all := events(1, 30)
	damaged.must(t, all...)
	for i := range all {
		all[i].Reason = "of the backup"
	}
	backup.must(t, all[:20]...)
	damaged.lose(t, 3, 25, 29, 30)

	to := rescued(t, New(Options{}), damaged, backup)
	if err := to.db.View(to.Load); err != nil {
		t.Fatal(err)
	}
	list := readSome(t, to.Journal, 0)
	wantEvents(t, list, 1, 1, 24)
	for _, e := range list {
		if (e.Reason == "of the backup") != (e.Seq == 3) {
			t.Errorf("event %d is %q", e.Seq, e.Reason)
		}
	}
	if first := behind(t, to.Journal, 24); first != 26 {
		t.Errorf("the first is %d", first)
	}
	wantEvents(t, readSome(t, to.Journal, 25), 26, 26, 28)
	next := uint64(28+leap) + 1
	for _, cursor := range []uint64{28, 30, 31} { // of readers that knew as much
		if first := behind(t, to.Journal, cursor); first != next {
			t.Errorf("after %d the first is %d", cursor, first)
		}
	}
	if to.Opened() != next-1 {
		t.Errorf("opened at %d", to.Opened())
	}
	to.must(t, event(31))
	wantEvents(t, readAll(t, to.Journal, next-1), next, 31, 31)
	if first := behind(t, to.Journal, 30); first != next {
		t.Errorf("the first is %d", first)
	}
	if got := to.faults(t); got != nil {
		t.Errorf("faults: %q", got)
	}
	if s := to.Stats(); s.Kept != 28 {
		t.Errorf("%+v", s)
	}
}

// readSome reads what comes at once.
func readSome(t *testing.T, j *Journal, after uint64) []Event {
	t.Helper()
	list, err := j.Read(after, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestRescueOfNothing: numbers are not used again although nobody knows them.
func TestRescueOfNothing(t *testing.T) {
	to := rescued(t, New(Options{}))
	if err := to.db.View(to.Load); err != nil {
		t.Fatal(err)
	}
	if first := behind(t, to.Journal, 12); first != leap+1 {
		t.Errorf("the first is %d", first)
	}
	to.must(t, event(1))
	wantEvents(t, readAll(t, to.Journal, leap), leap+1, 1, 1)
}

// TestRescueFromMemory: a file that is written anew while the program runs has what
// memory has, under the same numbers, also what was published without the disk.
func TestRescueFromMemory(t *testing.T) {
	f := inDir(t, Options{Recent: 100})
	f.must(t, events(1, 20)...)
	publish, _ := f.Append(nil, events(21, 22))
	publish()
	to := rescued(t, f.Journal)
	if s := f.Stats(); s.Unwritten != 0 || s.Kept != 22 {
		t.Errorf("%+v", s)
	}
	if err := to.db.View(to.Load); err != nil {
		t.Fatal(err)
	}
	wantEvents(t, readAll(t, to.Journal, 0), 1, 1, 22)
}

func FuzzParse(f *testing.F) {
	for _, e := range []Event{event(1), {}, {Kind: "other", What: "else", Name: "ü", Reason: "why"}, {What: Gone, Was: Was{Group: "g", Email: "e"}}} {
		e = bounded(e)
		f.Add(encode(&e, false)[4:])
		f.Add(encode(&e, true)[4:])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := parseBody(body)
		if err != nil {
			return
		}
		e := r.event(7)
		again, err := parse(7, encode(&e, r.afterHole))
		if err != nil {
			t.Fatalf("%+v cannot be read back: %v", e, err)
		}
		if back := again.event(7); back != e || again.afterHole != r.afterHole {
			t.Fatalf("%+v became %+v", e, back)
		}
	})
}
