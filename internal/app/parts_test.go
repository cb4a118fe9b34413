package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.etcd.io/bbolt"
	"go.uber.org/goleak"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/testport"
)

// noted is a part that notes what is done to it.
type noted struct {
	name  string
	fails bool
	list  *[]string
}

func (n noted) note(what string) { *n.list = append(*n.list, what+" "+n.name) }

func (n noted) open(*config.Config) error {
	n.note("open")
	if n.fails {
		return fmt.Errorf("%s does not open", n.name)
	}
	return nil
}

func (n noted) close() error {
	n.note("close")
	return fmt.Errorf("%s does not close", n.name)
}
func (n noted) adopt(*config.Config)                   { n.note("adopt") }
func (n noted) begin(context.Context, *sync.WaitGroup) { n.note("begin") }
func (n noted) collectors() []prometheus.Collector     { return nil }

func TestPartsInOrder(t *testing.T) {
	var list []string
	all := parts{noted{"a", false, &list}, noted{"b", false, &list}, noted{"c", false, &list}}
	if err := all.open(nil); err != nil {
		t.Error(err)
	}
	all.adopt(nil)
	all.begin(t.Context(), nil)
	if err := all.close(); err == nil || err.Error() != "c does not close\nb does not close\na does not close" {
		t.Errorf("closed with %v", err)
	}
	want := "open a, open b, open c, adopt a, adopt b, adopt c, begin a, begin b, begin c, close c, close b, close a"
	if got := strings.Join(list, ", "); got != want {
		t.Errorf("done: %s, want %s", got, want)
	}
}

func TestPartsOpenAllOrNone(t *testing.T) {
	for failing, want := range [][]string{
		{"open a"},
		{"open a", "open b", "close a"},
		{"open a", "open b", "open c", "close b", "close a"},
	} {
		var list []string
		var all parts
		for i, name := range []string{"a", "b", "c"} {
			all = append(all, noted{name, i == failing, &list})
		}
		if err := all.open(nil); err == nil || !strings.Contains(err.Error(), "does not open") {
			t.Errorf("%d: %v", failing, err)
		}
		if diff := cmp.Diff(want, list); diff != "" {
			t.Errorf("%d: %s", failing, diff)
		}
	}
}

// opens checks that nothing of an exporter that could not be opened is left: it opens
// now, with the same storage directory and addresses.
func opens(t *testing.T, opts Options) {
	t.Helper()
	a, err := New(opts)
	if err != nil {
		t.Fatalf("something is still open: %s", err)
	}
	if err := a.parts.close(); err != nil {
		t.Error(err)
	}
}

// unopened is a part that does not open.
type unopened struct{ part }

func (unopened) open(*config.Config) error { return errors.New("this part does not open") }

// TestAnyPartMayNotOpen: whichever it is, nothing is left open and nothing runs.
func TestAnyPartMayNotOpen(t *testing.T) {
	running := goleak.IgnoreCurrent()
	opts := Options{StoragePath: t.TempDir(), Web: webFlags(testport.Reserve(t)), Log: slog.New(slog.DiscardHandler)}
	for i := range assemble(opts).parts {
		a := assemble(opts)
		which := fmt.Sprintf("%T", a.parts[i])
		a.parts[i] = unopened{a.parts[i]}
		if err := a.parts.open(config.Default()); err == nil || err.Error() != "this part does not open" {
			t.Errorf("%s: %v", which, err)
		}
		if err := goleak.Find(running); err != nil {
			t.Errorf("%s: %s", which, err)
		}
		opens(t, opts)
	}
}

// TestCannotOpen: so it is with real reasons.
func TestCannotOpen(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "c.yml")
	dsn := filepath.Join(dir, "dsn")
	write(t, dsn, filepath.Join(dir, "my.db"))
	write(t, file, "checks: [{name: db, kind: sql, driver: sqlite, dsn_file: "+dsn+"}]")
	good := Options{
		ConfigFile: file, StoragePath: filepath.Join(dir, "data"), Web: webFlags(testport.Reserve(t)), Log: slog.New(slog.DiscardHandler),
	}
	opens(t, good) // and makes the files
	inUse := func(name string) func(t *testing.T, opts *Options) {
		return func(t *testing.T, opts *Options) {
			db, err := bbolt.Open(filepath.Join(opts.StoragePath, name), 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
		}
	}
	for name, test := range map[string]struct {
		spoil func(t *testing.T, opts *Options)
		want  string
	}{
		"storage in use": {inUse("registry.db"), "is in use"},
		"outbox in use":  {inUse("outbox.db"), "outbox.db"},
		"history in use": {inUse("history.db"), "history.db"},
		"no file": {func(t *testing.T, opts *Options) {
			path := filepath.Join(opts.StoragePath, "maintenance.json")
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Remove(path) })
		}, "maintenance.json"},
		"taken port": {func(t *testing.T, opts *Options) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			free := (*opts.Web.WebListenAddresses)[0]
			opts.Web = webFlags(free)
			*opts.Web.WebListenAddresses = []string{free, l.Addr().String()}
		}, "the port is taken"},
	} {
		t.Run(name, func(t *testing.T) {
			opts := good
			t.Run("spoilt", func(t *testing.T) {
				test.spoil(t, &opts)
				running := goleak.IgnoreCurrent()
				if _, err := New(opts); err == nil || !strings.Contains(err.Error(), test.want) {
					t.Fatalf("opened with %v", err)
				}
				if err := goleak.Find(running); err != nil {
					t.Error(err)
				}
			})
			opens(t, good)
		})
	}
}
