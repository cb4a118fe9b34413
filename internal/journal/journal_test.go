package journal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/health-exporter/health_exporter/health"
)

// TestRoundTrip: what is appended is read back, from memory and from the disk.
func TestRoundTrip(t *testing.T) {
	at := time.Date(2126, 3, 4, 5, 6, 7, 123456789, time.FixedZone("elsewhere", 3600))
	given := []Event{
		{Time: at, Kind: Target, Name: "a", What: StateChanged, From: health.Unknown, To: health.Unhealthy, Reason: "dial: refused"},
		{Time: at, Kind: Check, Name: "disk", What: Turned, To: health.Degraded},
		{Time: at, Kind: Target, Name: "Zürich ☃", What: MaintenanceOver, To: health.Healthy},
		{Time: at, Kind: "something", Name: "x", What: "unheard of", Reason: "why not"},
		{Time: at},
		{Name: strings.Repeat("n", 5000), What: Gone, Kind: Target, Reason: "two\nlines\t" + strings.Repeat("ü", 300), Was: Was{Email: strings.Repeat("e", 5000)}},
		{Name: "odd", From: 9, To: 200, Was: Was{Email: "nobody needs it"}},
		{Name: "b", What: Removed, Kind: Target, Was: Was{Place: "http://b", Group: "web", Email: "me@example.org", Since: at.UTC(), LastHealthy: at.UTC()}},
	}
	want := make([]Event, len(given))
	for i, e := range given {
		e.Seq, e.Time = uint64(i+1), e.Time.UTC()
		want[i] = e
	}
	want[5].Name = strings.Repeat("n", 4096)
	want[5].Reason = "two lines " + strings.Repeat("ü", 251)
	want[5].Email = strings.Repeat("e", 4096)
	want[6] = Event{Seq: 7, Time: want[6].Time, Name: "odd"}

	path := filepath.Join(t.TempDir(), "db")
	f := opened(t, path, Options{Keep: 1 << 62})
	f.must(t, given...)
	if diff := cmp.Diff(want, readAll(t, f.Journal, 0)); diff != "" {
		t.Errorf("from memory (-want +got):\n%s", diff)
	}
	_ = f.db.Close()
	f = opened(t, path, Options{Recent: 1})
	if diff := cmp.Diff(want, readAll(t, f.Journal, 0)); diff != "" {
		t.Errorf("from the disk (-want +got):\n%s", diff)
	}
	if got := f.faults(t); got != nil {
		t.Errorf("faults: %q", got)
	}
}

// TestReadWhileWritten: in whatever pieces the events come, and whatever is in memory,
// each reader sees each event once, and all that there are.
func TestReadWhileWritten(t *testing.T) {
	for _, few := range []int{1, 2, 7, 50, 1000} {
		f := inDir(t, Options{Recent: few})
		n := 0
		for size := range 23 {
			f.must(t, events(n+1, n+size)...)
			n += size
			for _, after := range []int{0, n / 2, n - size, n - 1, n} {
				if after >= 0 {
					wantEvents(t, readAll(t, f.Journal, uint64(after)), uint64(after+1), after+1, n)
				}
			}
		}
		if s := f.Stats(); f.Head() != uint64(n) || s.Kept != n || s.Unwritten != 0 || len(f.recent) > 2*few {
			t.Errorf("%d in memory of %d: head %d, %+v", len(f.recent), few, f.Head(), s)
		}
	}
}

// TestNothingBeforeThePublish: readers see a transaction only when it is on the disk.
func TestNothingBeforeThePublish(t *testing.T) {
	f := inDir(t, Options{Recent: 1})
	f.must(t, events(1, 3)...)
	var publish, second func()
	if err := f.db.Update(func(tx *bbolt.Tx) (err error) {
		if publish, err = f.Append(tx, events(4, 5)); err != nil {
			return err
		}
		second, err = f.Append(tx, events(6, 6))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	wantEvents(t, readAll(t, f.Journal, 0), 1, 1, 3)
	publish()
	wantEvents(t, readAll(t, f.Journal, 0), 1, 1, 5)
	second()
	wantEvents(t, readAll(t, f.Journal, 0), 1, 1, 6)
}

// TestRefused: what was not committed has never happened, and its numbers are free.
func TestRefused(t *testing.T) {
	f := inDir(t, Options{})
	f.must(t, event(1))
	refused := errors.New("refused")
	err := f.db.Update(func(tx *bbolt.Tx) error {
		if _, err := f.Append(tx, events(100, 110)); err != nil {
			t.Error(err)
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Fatal(err)
	}
	f.must(t, event(2))
	wantEvents(t, readAll(t, f.Journal, 0), 1, 1, 2)
}

func TestBehind(t *testing.T) {
	f := inDir(t, Options{Most: 10, Recent: 3})
	for i := range 40 {
		f.must(t, event(i+1))
	}
	if first := behind(t, f.Journal, 5); first != 31 {
		t.Errorf("after 5 the first is %d", first)
	}
	if first := behind(t, f.Journal, 41); first > 41 {
		t.Errorf("after 41, which has not happened, the first is %d", first)
	}
	wantEvents(t, readAll(t, f.Journal, 30), 31, 31, 40)
	if list, err := f.Read(30, 0); len(list) != 0 || err != nil {
		t.Errorf("none wanted: %v, %v", list, err)
	}
}

func behind(t *testing.T, j *Journal, after uint64) uint64 {
	t.Helper()
	list, err := j.Read(after, 5)
	b, ok := errors.AsType[ErrBehind](err)
	if !ok || len(list) > 0 {
		t.Fatalf("after %d: %d events, error %v", after, len(list), err)
	}
	return b.First
}

func TestMemoryOnly(t *testing.T) {
	j := New(Options{Recent: 5})
	if list, err := j.Read(0, 10); len(list) != 0 || err != nil {
		t.Errorf("of nothing: %v, %v", list, err)
	}
	for i := range 30 {
		publish, err := j.Append(nil, []Event{event(i + 1)})
		if err != nil {
			t.Fatal(err)
		}
		publish()
	}
	wantEvents(t, readAll(t, j, 25), 26, 26, 30)
	if first := behind(t, j, 3); first < 20 || first > 26 {
		t.Errorf("the first is %d", first)
	}
	if s := j.Stats(); s.Head != 30 || s.Kept != len(j.recent) || s.Unwritten != 0 {
		t.Errorf("%+v", s)
	}
}

// TestUnwritten: while the disk fails events are published without it, and the next
// transaction that succeeds writes them.
func TestUnwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	f := opened(t, path, Options{})
	f.must(t, events(1, 3)...)
	for i := 4; i < 7; i++ {
		publish, err := f.Append(nil, []Event{event(i)})
		if err != nil {
			t.Fatal(err)
		}
		publish()
	}
	wantEvents(t, readAll(t, f.Journal, 0), 1, 1, 6)
	if s := f.Stats(); s.Unwritten != 3 || s.Kept != 6 {
		t.Errorf("%+v", s)
	}
	_ = f.db.Update(func(tx *bbolt.Tx) error { // still
		_, err := f.Append(tx, nil)
		return errors.Join(err, errors.New("disk full"))
	})
	f.must(t)
	if s := f.Stats(); s.Unwritten != 0 || s.Kept != 6 {
		t.Errorf("%+v", s)
	}
	f.must(t, event(7))
	_ = f.db.Close()
	f = opened(t, path, Options{})
	wantEvents(t, readAll(t, f.Journal, 0), 1, 1, 7)
	if got := f.faults(t); got != nil || f.Opened() != 7 {
		t.Errorf("opened at %d, faults: %q", f.Opened(), got)
	}
}

// TestTooManyUnwritten: those that memory has lost are a hole, which is known.
func TestTooManyUnwritten(t *testing.T) {
	f := inDir(t, Options{Recent: 4})
	f.must(t, events(1, 3)...)
	for i := 4; i < 40; i++ {
		publish, _ := f.Append(nil, []Event{event(i)})
		publish()
	}
	f.must(t, event(40))
	wantEvents(t, readAll(t, f.Journal, 36), 37, 37, 40)
	if got := f.faults(t); got != nil {
		t.Errorf("faults: %q", got)
	}
	list, err := f.Read(0, 100)
	if len(list) != 3 || err != nil {
		t.Errorf("before the hole: %d, %v", len(list), err)
	}
	if first := behind(t, f.Journal, 3); first <= 4 || first > 37 {
		t.Errorf("after the hole the first is %d", first)
	}
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := New(Options{})
		woken := make(chan uint64, 3)
		for _, after := range []uint64{0, 0, 1} {
			go func() {
				if err := j.Wait(t.Context(), after); err != nil {
					t.Error(err)
				}
				woken <- after
			}()
		}
		synctest.Wait()
		if len(woken) > 0 {
			t.Fatal("woken by nothing")
		}
		for i, want := range []int{2, 3} {
			publish, _ := j.Append(nil, []Event{event(i + 1)})
			publish()
			synctest.Wait()
			if len(woken) != want {
				t.Fatalf("after %d events %d are awake, want %d", i+1, len(woken), want)
			}
		}
		why := errors.New("the end")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(why)
		if err := j.Wait(ctx, 2); !errors.Is(err, why) {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestPrune(t *testing.T) {
	t.Run("too many", func(t *testing.T) {
		f := inDir(t, Options{Most: 100, Recent: 10})
		for n := 0; n < 1000; n += 10 {
			f.must(t, events(n+1, n+10)...)
		}
		if s := f.Stats(); s.Kept != 100 {
			t.Errorf("%+v", s)
		}
		wantEvents(t, readAll(t, f.Journal, 900), 901, 901, 1000)
	})
	t.Run("too old", func(t *testing.T) {
		f := inDir(t, Options{Keep: time.Hour, Recent: 10})
		for i := range 1000 {
			e := event(i + 1)
			e.Time = e.Time.Add(-2 * time.Hour)
			f.must(t, e)
		}
		if s := f.Stats(); s.Kept != 1 { // the number of the last is what it stays for
			t.Errorf("%+v", s)
		}
	})
	t.Run("bounded", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "db")
		f := opened(t, path, Options{})
		f.must(t, events(1, 1000)...)
		_ = f.db.Close()
		f = opened(t, path, Options{Most: 10})
		deleted := 0
		f.before = func(step string) error {
			if step == "delete" {
				deleted++
			}
			return nil
		}
		f.must(t, event(1001))
		if deleted == 0 || deleted > 18 {
			t.Errorf("%d deleted in one transaction", deleted)
		}
		for i := range 1000 {
			f.must(t, event(1002+i))
		}
		if s := f.Stats(); s.Kept != 10 {
			t.Errorf("%+v", s)
		}
	})
}

// TestSize: an event of usual length takes about 60 bytes, and all in, less than 100.
func TestSize(t *testing.T) {
	e := event(1)
	if n := len(encode(&e, false)); n > 60 {
		t.Errorf("%d bytes", n)
	}
	f := inDir(t, Options{})
	const n = 50_000
	for i := 0; i < n; i += 500 {
		f.must(t, events(i+1, i+500)...)
	}
	info, err := f.db.File().Stat()
	if err != nil {
		t.Fatal(err)
	}
	used := info.Size()
	if err := f.db.View(func(tx *bbolt.Tx) error {
		s := tx.Bucket([]byte(bucketName)).Stats()
		used = int64(s.LeafAlloc + s.BranchAlloc)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes an event in pages, %d in a file that grew", used/n, info.Size()/n)
	if used/n > 100 {
		t.Errorf("%d bytes an event", used/n)
	}
}

func ExampleErrBehind() {
	fmt.Println(ErrBehind{First: 12})
	// Output: the events after this one are no longer kept: the next one there is has the number 12
}
