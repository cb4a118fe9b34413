package registry

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func checkRestored(t *testing.T, r *Registry, backupOnly bool, more ...string) {
	t.Helper()
	want := append(numbered(100), more...)
	if !backupOnly {
		want = append(want, "newest")
	}
	slices.Sort(want)
	wantApps(t, r, want...)
	if moved, _ := r.Target("app-0001"); (moved.URL == "http://moved") == backupOnly {
		t.Errorf("app-0001 is at %s", moved.URL)
	}
	if paused, _ := r.Target("app-0007"); !paused.Paused {
		t.Error("the pause is lost")
	}
	for _, app := range numbered(100) {
		if want, got := state(20), r.Saved(app); !reflect.DeepEqual(want, got) {
			t.Fatalf("state of %s (-want +got):\n%s", app, cmp.Diff(want, got))
		}
	}
}

func TestDamageWithoutBackup(t *testing.T) {
	tests := []struct {
		name, says string
		want       []string
		damage     func([]byte) []byte
	}{
		{"nothing is left", "starting EMPTY", []string{}, func(b []byte) []byte { return b[:len(b)/2] }},
		{"one record is lost", "damaged registrations are lost", []string{"a", "c"}, func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte("8096/b"), []byte("8097/b"))
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			r := open(t, Options{Path: dir})
			put(t, r, api("a"), api("b"), api("c"))
			r.writeMu.Lock()
			r.dirty = false
			r.writeMu.Unlock()
			shut(t, r)
			overwrite(t, filepath.Join(dir, fileDB), test.damage)

			if _, err := Open(Options{Path: dir, OnCorruption: Fail}); err == nil || !strings.Contains(err.Error(), "there is no good backup") {
				t.Errorf("with OnCorruption fail: error %v", err)
			}
			var log journal
			r = open(t, Options{Path: dir, Log: log.logger()})
			wantApps(t, r, test.want...)
			if !r.Stats().Recovered || !strings.Contains(log.String(), test.says) || !strings.Contains(log.String(), fileDB+".corrupt-") {
				t.Errorf("recovered %v, log: %s", r.Stats().Recovered, log.String())
			}
		})
	}
}

func TestDamagedBackupsArePassedOver(t *testing.T) {
	dir := stored(t)
	for i := 3; i > 1; i-- {
		good, err := os.ReadFile(filepath.Join(dir, fileBackup+"1"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fileBackup+string(rune('0'+i))), good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	overwrite(t, filepath.Join(dir, fileDB), func([]byte) []byte { return nil })
	overwrite(t, filepath.Join(dir, fileBackup+"1"), func(b []byte) []byte { return b[:4096] })
	overwrite(t, filepath.Join(dir, fileBackup+"2"), func(b []byte) []byte {
		return bytes.ReplaceAll(b, []byte("8096/app-0050"), []byte("8097/app-0050"))
	})
	var log journal
	r := open(t, Options{Path: dir, Log: log.logger()})
	checkRestored(t, r, true)
	if text := log.String(); !strings.Contains(text, "backup="+filepath.Join(dir, fileBackup+"3")) {
		t.Errorf("log: %s", text)
	}
}
