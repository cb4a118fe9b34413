package journal

import (
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/health-exporter/health_exporter/internal/durable"
)

// BenchmarkAppend is a transaction of one event, without the disk.
func BenchmarkAppend(b *testing.B) {
	j := New(Options{})
	b.ReportAllocs()
	for b.Loop() {
		publish, err := j.Append(nil, []Event{{Time: time.Now(), Kind: Target, Name: "app-00001", What: StateChanged, Reason: "connection refused"}})
		if err != nil {
			b.Fatal(err)
		}
		publish()
	}
}

// BenchmarkStart is what 100 000 events cost at the start: checking, and loading.
func BenchmarkStart(b *testing.B) {
	const n = 100_000
	path := filepath.Join(b.TempDir(), "db")
	f, err := openFile(path, Options{})
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; i < n; i += 1000 {
		if err := f.write(events(i+1, i+1000)...); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.db.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		j := New(Options{View: func(func(*bbolt.Tx) error) error { return nil }})
		faults, err := durable.Read(path, durable.ReadOptions{}, func(tx *bbolt.Tx) error {
			if faults := Examine(tx); len(faults) > 0 {
				b.Fatal(faults)
			}
			return j.Load(tx)
		})
		if err != nil || len(faults) > 0 || j.Head() != n {
			b.Fatal(j.Head(), faults, err)
		}
	}
}
