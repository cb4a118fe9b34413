package maintenance

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/alerting"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	b, err := Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func names(list []alerting.Window) (names []string) {
	for _, w := range list {
		names = append(names, w.Name)
	}
	return names
}

// TestBook: what is added is in force, is kept over restarts, and ends by itself.
func TestBook(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b, now := open(t, dir), time.Now()
		nas, router := &alerting.Subject{Name: "nas"}, &alerting.Subject{Name: "router"}
		for _, w := range []alerting.Window{
			{Name: "patch", Targets: []string{"n*"}, Start: now, End: now.Add(time.Hour)},
			{Name: "later", Start: now.Add(2 * time.Hour), End: now.Add(3 * time.Hour)},
		} {
			if err := b.Add(w); err != nil {
				t.Fatal(err)
			}
		}
		for name, b := range map[string]*Store{"at once": b, "after a restart": open(t, dir)} {
			if !b.Hold(nas, now) || b.Hold(router, now) || b.Hold(nas, now.Add(time.Hour)) || !b.Hold(router, now.Add(2*time.Hour)) {
				t.Errorf("%s others are held", name)
			}
			if diff := cmp.Diff([]string{"later", "patch"}, names(b.List(now))); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		if err := b.Add(alerting.Window{Name: "patch", Targets: []string{"router"}, Start: now, End: now.Add(time.Minute)}); err != nil {
			t.Fatal(err)
		}
		if b.Hold(nas, now) || !b.Hold(router, now) {
			t.Error("the second of the name has not replaced the first")
		}
		time.Sleep(time.Minute)
		if diff := cmp.Diff([]string{"later"}, names(b.List(time.Now()))); diff != "" {
			t.Error("over, and there still:", diff)
		}
		for _, want := range []bool{true, false} {
			if known, err := b.Remove("later"); known != want || err != nil {
				t.Errorf("removed: %v, %v, want %v", known, err, want)
			}
		}
		if list := open(t, dir).List(now); len(list) != 0 {
			t.Errorf("after a restart: %v", list) // the one that is over too
		}
	})
}

func TestBookRefuses(t *testing.T) {
	b, now := open(t, ""), time.Now()
	for want, w := range map[string]alerting.Window{
		"no name":            {Start: now, End: now.Add(time.Hour)},
		"a start and an end": {Name: "x"},
		"weekly":             {Name: "x", Weekly: &alerting.Weekly{To: time.Hour}},
	} {
		if err := b.Add(w); err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, ErrStorage) {
			t.Errorf("%+v: %v, want %q", w, err, want)
		}
	}
	for i := range maxWindows {
		if err := b.Add(alerting.Window{Name: fmt.Sprint(i), Start: now, End: now.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Add(alerting.Window{Name: "more", Start: now, End: now.Add(time.Hour)}); err == nil {
		t.Error("one more than allowed")
	}
	if err := b.Add(alerting.Window{Name: "0", Start: now, End: now.Add(2 * time.Hour)}); err != nil {
		t.Errorf("replacing one: %v", err)
	}
}

// TestBookAdopts: what was moved half before a kill is moved again, and changes nothing.
func TestBookAdopts(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	old := []alerting.Window{
		{Name: "patch", Start: now, End: now.Add(time.Hour)},
		{Name: "over", Start: now.Add(-time.Hour), End: now.Add(-time.Minute)},
	}
	for i, want := range []time.Duration{time.Hour, 5 * time.Hour} {
		if err := open(t, dir).Adopt(old); err != nil {
			t.Fatal(err)
		}
		list := open(t, dir).List(now)
		if diff := cmp.Diff([]string{"patch"}, names(list)); diff != "" || !list[0].End.Equal(now.Add(want)) {
			t.Errorf("after %d times: %+v", i+1, list)
		}
		if err := open(t, dir).Add(alerting.Window{Name: "patch", Start: now, End: now.Add(5 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBookOnDisk: a change that is not on disk is not in force, and a damaged file is
// kept for a person to look at.
func TestBookOnDisk(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	b := open(t, dir)
	w := alerting.Window{Name: "patch", Start: now, End: now.Add(time.Hour)}
	if err := os.Mkdir(filepath.Join(dir, fileName), 0o700); err != nil { // in the way of the file
		t.Fatal(err)
	}
	if err := b.Add(w); !errors.Is(err, ErrStorage) || len(b.List(now)) != 0 {
		t.Errorf("%v, in force %v", err, b.List(now))
	}
	if _, err := Open(dir, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a directory was opened")
	}
	if err := os.Remove(filepath.Join(dir, fileName)); err != nil {
		t.Fatal(err)
	}
	if err := b.Add(w); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, fileName), text[:len(text)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	if b, err = Open(dir, slog.New(slog.NewTextHandler(&log, nil))); err != nil || len(b.List(now)) != 0 {
		t.Fatalf("%v, %v", err, b.List(now))
	}
	if err := b.Add(w); err != nil {
		t.Fatal(err)
	}
	kept, err := filepath.Glob(filepath.Join(dir, fileName+".corrupt-*"))
	if err != nil || len(kept) != 1 || !strings.Contains(log.String(), kept[0]) {
		t.Errorf("kept %q, %v, log %q", kept, err, log.String())
	}
}
