package registry

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// journal is a log that tests look at.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

func open(t testing.TB, o Options) *Registry {
	t.Helper()
	r, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func shut(t testing.TB, r *Registry) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, r *Registry, targets ...prober.Target) {
	t.Helper()
	for _, target := range targets {
		if _, err := r.Put(target); err != nil {
			t.Fatal(err)
		}
	}
}

func api(app string) prober.Target {
	delay := 3 * time.Second
	return prober.Target{
		App: app, URL: "http://10.0.0.7:8096/" + app, Module: "http_2xx", Email: "me@example.org", Group: "attic",
		Labels: map[string]string{"room": "attic", "floor": "3"}, Interval: 30 * time.Second, Timeout: 5 * time.Second,
		InitialDelay: &delay, Unhealthy: 2, Healthy: 10, StatusCodes: prober.StatusCodes{{First: 200, Last: 299}, {First: 401, Last: 401}},
		Source: prober.SourceAPI, Owner: "token:house", From: "10.0.0.9",
	}
}

func state(n int) *schedule.Saved {
	at := time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)
	s := &schedule.Saved{
		State: health.State{Verdict: health.Unhealthy, Failures: uint32(n)},
		Since: at, LastHealthy: at.Add(-time.Minute), Place: "http://10.0.0.7:8096",
	}
	for i := range n {
		s.Transitions = append(s.Transitions, schedule.Transition{
			Time: at.Add(time.Duration(i) * 1001 * time.Millisecond), From: health.Healthy, To: health.Unhealthy, Reason: "status",
		})
	}
	return s
}

func apps(r *Registry) []string {
	names := []string{}
	for _, t := range r.Targets() {
		names = append(names, t.App)
	}
	return names
}

func wantApps(t testing.TB, r *Registry, want ...string) {
	t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), apps(r)); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
}

func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("app-%04d", i)
	}
	return names
}

func TestRestartKeepsEverything(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "deep")
	r := open(t, Options{Path: dir})
	for _, app := range []string{"b", "a", "ä / <ö>", "gone"} {
		created, err := r.Put(api(app))
		if err != nil || !created {
			t.Fatalf("Put(%q) = %v, %v", app, created, err)
		}
	}
	if ok, err := r.Remove(prober.SourceAPI, "gone"); !ok || err != nil {
		t.Fatalf("Remove = %v, %v", ok, err)
	}
	if ok, err := r.Remove(prober.SourceAPI, "gone"); ok || err != nil {
		t.Fatalf("second Remove = %v, %v", ok, err)
	}
	if err := r.SetPaused("b", true); err != nil {
		t.Fatal(err)
	}
	states := map[string]*schedule.Saved{"a": state(3), "b": state(50), "gone": state(1)}
	if err := r.Save(states); err != nil {
		t.Fatal(err)
	}
	if err := r.Forget([]string{"gone", "never seen"}); err != nil {
		t.Fatal(err)
	}
	before := r.Targets()
	shut(t, r)
	if _, err := r.Put(api("late")); err == nil {
		t.Error("Put after Close is acknowledged")
	}

	r = open(t, Options{Path: dir})
	after := r.Targets()
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("targets (-before +after):\n%s", diff)
	}
	if b, _ := r.Target("b"); !b.Paused {
		t.Error("the pause is lost")
	}
	for _, app := range []string{"a", "b"} {
		if diff := cmp.Diff(states[app], r.Saved(app)); diff != "" {
			t.Errorf("state of %s (-want +got):\n%s", app, diff)
		}
	}
	if r.Saved("gone") != nil {
		t.Error("a forgotten state is back")
	}
	if s := r.Stats(); s.Recovered || s.DiskFailed || s.Errors != 0 || s.LastBackup.IsZero() || s.Bytes == 0 || !s.Persistent {
		t.Errorf("stats = %+v", s)
	}
	select {
	case <-r.Changed():
	default:
		t.Error("nobody is told of the targets found on disk")
	}
	for name, mode := range map[string]os.FileMode{"": os.ModeDir | 0o700, fileDB: 0o600, fileBackup + "1": 0o600, fileMarker: 0o600, fileLock: 0o600} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != mode {
			t.Errorf("%q: %v, %v", name, info, err)
		}
	}
}

func TestMemoryOnly(t *testing.T) {
	r := open(t, Options{})
	put(t, r, api("a"))
	if err := r.SetPaused("a", true); err != nil {
		t.Fatal(err)
	}
	if err := r.Save(map[string]*schedule.Saved{"a": state(1)}); err != nil {
		t.Fatal(err)
	}
	if a, _ := r.Target("a"); !a.Paused || r.Saved("a") == nil {
		t.Error("memory is not kept")
	}
	want := Stats{Targets: map[prober.Source]int{prober.SourceAPI: 1}, Changes: 2}
	if diff := cmp.Diff(want, r.Stats()); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
}

func TestNewerSchemaIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	r := open(t, Options{Path: dir})
	put(t, r, api("a"))
	shut(t, r)
	rewriteMeta(t, filepath.Join(dir, fileDB), metaSchema, "3")
	before, err := os.ReadFile(filepath.Join(dir, fileDB))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(Options{Path: dir})
	want := "opening storage: " + filepath.Join(dir, fileDB) + ": its layout is version 3, this program knows up to 2: " +
		"run the newer health_exporter, or choose another --storage.path"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if after, _ := os.ReadFile(filepath.Join(dir, fileDB)); !bytes.Equal(before, after) {
		t.Error("the file was touched")
	}
}
