package journal

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"
	"go.uber.org/goleak"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/durable"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("JOURNAL_TEST_FILE"); path != "" {
		writeUntilKilled(path)
	}
	goleak.VerifyTestMain(m)
}

// file is a journal in a file, beside a state that is kept in the same transactions.
type file struct {
	*Journal
	db *durable.DB
}

const stateBucket = "states"

func openFile(path string, o Options) (*file, error) {
	db, err := durable.Open(path, durable.Options{Timeout: 3 * time.Second})
	if err != nil {
		return nil, err
	}
	o.View = db.View
	f := &file{New(o), db}
	return f, db.View(f.Load)
}

func opened(t *testing.T, path string, o Options) *file {
	t.Helper()
	f, err := openFile(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.db.Close() })
	return f
}

func inDir(t *testing.T, o Options) *file {
	t.Helper()
	return opened(t, filepath.Join(t.TempDir(), "registry.db"), o)
}

// write appends events, and counts them in the state, in one transaction.
func (f *file) write(events ...Event) error {
	var publish func()
	err := f.db.Update(func(tx *bbolt.Tx) (err error) {
		b, err := tx.CreateBucketIfNotExists([]byte(stateBucket))
		if err != nil {
			return err
		}
		count := counted(tx) + uint64(len(events))
		if err := b.Put([]byte("count"), binary.BigEndian.AppendUint64(nil, count)); err != nil {
			return err
		}
		publish, err = f.Append(tx, events)
		return err
	})
	if err == nil {
		publish()
	}
	return err
}

func counted(tx *bbolt.Tx) uint64 {
	if b := tx.Bucket([]byte(stateBucket)); b != nil {
		if v := b.Get([]byte("count")); len(v) == 8 {
			return binary.BigEndian.Uint64(v)
		}
	}
	return 0
}

func (f *file) must(t *testing.T, events ...Event) {
	t.Helper()
	if err := f.write(events...); err != nil {
		t.Fatal(err)
	}
}

func (f *file) faults(t *testing.T) (faults []string) {
	t.Helper()
	if err := f.db.View(func(tx *bbolt.Tx) error {
		faults = Examine(tx)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return faults
}

// event is one that can be told from all others.
func event(i int) Event {
	return Event{
		Time: time.Now().UTC().Round(0), Kind: Target, Name: fmt.Sprintf("app-%05d", i), What: StateChanged,
		From: health.Healthy, To: health.Unhealthy, Reason: "connection refused",
	}
}

func events(from, to int) []Event {
	var list []Event
	for i := from; i <= to; i++ {
		list = append(list, event(i))
	}
	return list
}

// readAll reads all after one, a few at a time.
func readAll(t *testing.T, j *Journal, after uint64) []Event {
	t.Helper()
	var list []Event
	for {
		part, err := j.Read(after, 7)
		if err != nil {
			t.Fatal(err)
		}
		if len(part) == 0 {
			return list
		}
		list = append(list, part...)
		after = part[len(part)-1].Seq
	}
}

// wantNames fails unless the events are those of events, in order.
func wantEvents(t *testing.T, got []Event, first uint64, from, to int) {
	t.Helper()
	if len(got) != to-from+1 {
		t.Fatalf("%d events, want %d", len(got), to-from+1)
	}
	for i, e := range got {
		if want := fmt.Sprintf("app-%05d", from+i); e.Name != want || e.Seq != first+uint64(i) {
			t.Fatalf("event %d of %s, want %d of %s", e.Seq, e.Name, first+uint64(i), want)
		}
	}
}
