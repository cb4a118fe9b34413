package registry

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"github.com/health-exporter/health_exporter/internal/durable"
	"github.com/health-exporter/health_exporter/prober"
)

// FuzzExamine changes a few bytes of a good file: it must not be read as
// something else, and nothing may panic, let alone fault.
// buildFile makes a sound file.
func buildFile(t testing.TB, path string, c *contents) {
	t.Helper()
	db, _, err := durable.Rebuild(path, durable.Options{}, 0, func(tx *bolt.Tx) error { return writeContents(tx, c) })
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func FuzzExamine(f *testing.F) {
	good := newContents("x")
	for _, app := range numbered(60) {
		target := api(app)
		good.targets[key{prober.SourceAPI, app}] = &target
		good.states[app] = state(10)
	}
	path := filepath.Join(f.TempDir(), "good.db")
	buildFile(f, path, good)
	file, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	for at := uint32(0); int(at) < len(file); at += 4096 {
		for _, in := range []uint32{0, 8, 10, 12, 16, 20, 24, 28, 32, 40, 48} {
			f.Add(at+in, []byte{0xff, 0xff, 0xff})
		}
	}
	f.Fuzz(func(t *testing.T, at uint32, other []byte) {
		b := bytes.Clone(file)
		copy(b[int(at)%len(b):], other)
		path := filepath.Join(t.TempDir(), "db")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		c, faults, err := examine(path, 0, nothing{}.Examine)
		if err != nil {
			return
		}
		if len(faults) == 0 && !cmp.Equal(good.counts(), c.counts()) {
			t.Errorf("%+v is taken for sound", c.counts())
		}
		for k, got := range c.targets {
			if want := good.targets[k]; want == nil || !want.Equal(got) {
				t.Errorf("%v is taken for %v", got, want)
			}
		}
	})
}
