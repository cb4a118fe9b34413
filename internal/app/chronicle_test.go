package app

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/journal"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// events are those of the journal after one, as words.
func (r *running) events(after uint64) []string {
	r.t.Helper()
	list, err := r.chronicle.Read(after, 1000)
	if err != nil {
		r.t.Fatal(err)
	}
	words := []string{}
	for _, e := range list {
		word := fmt.Sprintf("%s %s", e.Name, e.What)
		if e.What == journal.StateChanged || e.What == journal.Turned {
			word += " " + e.To.String()
		}
		words = append(words, word)
	}
	return words
}

// wantEvents waits until these have happened after one, and nothing else.
func (r *running) wantEvents(after uint64, want ...string) {
	r.t.Helper()
	var got []string
	for deadline := time.Now().Add(20 * time.Second); !slices.Equal(got, want); time.Sleep(10 * time.Millisecond) {
		if got = r.events(after); time.Now().After(deadline) {
			r.t.Fatalf("events %q, want %q", got, want)
		}
	}
}

func (r *running) delete(path string) {
	r.t.Helper()
	request, _ := http.NewRequest(http.MethodDelete, r.url+path, nil)
	if resp, err := http.DefaultClient.Do(request); err != nil || resp.Body.Close() != nil || resp.StatusCode != http.StatusNoContent {
		r.t.Fatal(resp, err)
	}
}

// TestWhatHappens: all that becomes of targets and checks is in the journal, each once and
// in order, over restarts; a restart itself is nothing that happens to them.
func TestWhatHappens(t *testing.T) {
	dir := t.TempDir()
	url, broken := switchable(t)
	file := filepath.Join(dir, "c.yml")
	write(t, file, fmt.Sprintf("targets: [{app: f, url: %q, interval: 1d, initial_delay: 1d}]\n", url))
	opts := Options{ConfigFile: file, StoragePath: filepath.Join(dir, "data")}
	r := start(t, opts)
	r.wantEvents(0)
	body := func(more string) string {
		return fmt.Sprintf(`{"app":"a","url":%q,"initial_delay":300,"healthy":2,"fast_start":true%s}`, url, more)
	}
	probe := func() {
		t.Helper()
		if code, body := r.post("/api/v1/targets/a/probe", ""); code != http.StatusOK {
			t.Fatalf("%d %s", code, body)
		}
	}
	r.post("/api/v1/targets", body(""))
	r.post("/api/v1/targets", body("")) // again: nothing is new
	probe()
	broken.Store(true)
	probe()
	probe()
	broken.Store(false)
	probe()
	r.post("/api/v1/targets", body(`,"group":"g"`))
	r.post("/api/v1/targets/a/pause", "")
	want := []string{
		"a registered", "a state healthy", "a state degraded", "a state unhealthy", "a turn unhealthy", "a changed", "a paused",
	}
	r.wantEvents(0, want...)
	r.end()

	r = start(t, opts)
	if head := r.chronicle.Head(); head != uint64(len(want)) {
		t.Errorf("after the restart the journal ends at %d", head)
	}
	r.post("/api/v1/maintenance", `{"name":"m","groups":["g"],"duration":3600}`)
	want = append(want, "a maintenance")
	r.wantEvents(0, want...)
	r.post("/api/v1/targets/a/resume", "")
	want = append(want, "a resumed", "a state unknown")
	r.wantEvents(0, want...)
	if list, err := r.chronicle.Read(uint64(len(want)-2), 1); err != nil || list[0].To != health.Unknown {
		t.Errorf("what was known counts after it was resumed: %+v, %v", list, err)
	}
	for _, group := range []string{"i", "h", "g"} { // out of the window, elsewhere, and back into it
		r.post("/api/v1/targets", body(fmt.Sprintf(`,"group":%q`, group)))
	}
	if ok, err := (maintenanceWindows{r.telling}).Remove("m"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	want = append(want, "a changed", "a maintenance_over", "a changed", "a changed", "a maintenance", "a maintenance_over")
	r.wantEvents(0, want...)
	at := r.chronicle.Head()
	r.delete("/api/v1/targets/a")
	write(t, file, "targets: []\nchecks: [{name: disk, kind: disk, path: /, min_free: 0, interval: 1d, initial_delay: 1d}]\n")
	r.post("/-/reload", "")
	r.eventually("reloaded", func() bool { return len(r.events(at)) >= 3 })
	rest := r.events(at)
	slices.Sort(rest)
	if !slices.Equal(rest, []string{"a removed", "disk registered", "f removed"}) {
		t.Errorf("events %q", rest)
	}
	last, err := r.chronicle.Read(at, 1)
	if err != nil || last[0].Group != "g" || last[0].Place != url {
		t.Errorf("of the removed one %+v is known, %v", last, err)
	}
}

// TestNothingOfWhatIsNoMore: what the schedule has found of a target that was removed
// meanwhile is neither told nor kept.
func TestNothingOfWhatIsNoMore(t *testing.T) {
	c := newChronicle()
	c.open(nil)
	c.begun.Store(true)
	there := true
	s := schedule.New(schedule.Options{})
	c.schedules = []recorded{{kind: journal.Target, scheduler: s, exists: func(string) bool { return there }, settled: func() bool { return true }}}
	job := schedule.Job{Target: &prober.Target{App: "a", URL: "http://a", Interval: time.Minute, Timeout: time.Second}}
	job.Module = prober.FuncModule("m", 0, func(context.Context) prober.Result { return prober.Result{} })
	job.Saved = &schedule.Saved{State: health.State{Verdict: health.Healthy}, Place: "http://a"}
	s.Sync([]schedule.Job{job})
	move := func(to string) {
		moved := *job.Target
		moved.URL = to
		job.Target = &moved
		s.Sync([]schedule.Job{job})
	}
	move("http://b")
	if states, more := c.Collect(); len(states) != 1 || !more || len(c.pending) != 1 {
		t.Errorf("%v, %v", states, c.pending)
	}
	c.pending = nil
	job.Saved.Place = job.Target.URL
	s.Sync(nil)
	s.Sync([]schedule.Job{job})
	move("http://c")
	there = false
	if states, more := c.Collect(); len(states) != 0 || more {
		t.Errorf("%v, %v", states, c.pending)
	}
}

// TestWindowsOpenAndClose by themselves.
func TestWindowsOpenAndClose(t *testing.T) {
	r := start(t, Options{})
	r.post("/api/v1/targets", `{"app":"a","url":"http://127.0.0.1:1","initial_delay":300}`)
	at := time.Now().Add(time.Second)
	if code, body := r.post("/api/v1/maintenance", fmt.Sprintf(`{"name":"m","targets":["a*"],"start":%q,"end":%q}`,
		at.Format(time.RFC3339Nano), at.Add(time.Second).Format(time.RFC3339Nano))); code != http.StatusCreated {
		t.Fatalf("%d %s", code, body)
	}
	r.eventually("open", func() bool { return slices.Contains(r.events(0), "a maintenance") })
	r.post("/api/v1/targets", `{"app":"ab","url":"http://127.0.0.1:1","initial_delay":300}`)
	r.eventually("closed", func() bool { return slices.Contains(r.events(0), "a maintenance_over") })
	got := r.events(0)
	if strings.Join(got, ", ") != "a registered, a maintenance, ab registered, ab maintenance, a maintenance_over, ab maintenance_over" {
		t.Errorf("events %q", got)
	}
}

// TestFoundAgain: what is discovered again after a restart is not new.
func TestFoundAgain(t *testing.T) {
	dir := t.TempDir()
	file, list := filepath.Join(dir, "c.yml"), filepath.Join(dir, "list.yml")
	write(t, file, fmt.Sprintf("discovery: {jobs: [{name: j, module: http_2xx, interval: 1d, file_sd_configs: [{files: [%q], refresh_interval: 1s}]}]}\n", list))
	write(t, list, "[{targets: [\"127.0.0.1:1\"], labels: {app: a}}]\n")
	opts := Options{ConfigFile: file, StoragePath: filepath.Join(dir, "data")}
	r := start(t, opts)
	r.eventually("discovered", func() bool { return slices.Contains(r.events(0), "a registered") })
	r.end()
	for _, lost := range []string{list, filepath.Join(dir, "data", "discovered.json")} {
		if err := os.Remove(lost); err != nil {
			t.Fatal(err)
		}
	}
	r = start(t, opts)
	at := r.chronicle.Head()
	write(t, list, "[{targets: [\"127.0.0.1:1\"], labels: {app: a}}]\n")
	r.eventually("found", func() bool { return len(r.events(at)) > 0 })
	if got := r.events(at); got[0] != "a found" {
		t.Errorf("events %q", got)
	}
}

// TestHistoryAfterAKill: what is in the journal and was not in the history yet is in it
// after the next start, once.
func TestHistoryAfterAKill(t *testing.T) {
	dir := t.TempDir()
	url, broken := switchable(t)
	r := start(t, Options{StoragePath: dir})
	r.post("/api/v1/targets", fmt.Sprintf(`{"app":"a","url":%q,"initial_delay":300,"fast_start":true}`, url))
	r.post("/api/v1/targets/a/probe", "")
	r.wantPast("a", "NO_DATA, UNKNOWN, HEALTHY")
	r.eventually("the history is written", func() bool { return r.App.past.store.Stats().Bytes > 0 })
	written, err := os.ReadFile(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(5 * time.Millisecond) // the history counts in milliseconds
	broken.Store(true)
	for range 2 {
		r.post("/api/v1/targets/a/probe", "")
		time.Sleep(5 * time.Millisecond)
	}
	r.post("/api/v1/targets/a/pause", "")
	r.eventually("written", func() bool {
		s := r.chronicle.Stats()
		return s.Unwritten == 0 && slices.Contains(r.events(0), "a paused")
	})
	killed := t.TempDir()
	for _, name := range []string{"registry.db", "initialised"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(killed, name), string(content))
	}
	write(t, filepath.Join(killed, "history.db"), string(written))
	r.end()

	r = start(t, Options{StoragePath: killed})
	r.wantPast("a", "NO_DATA, UNKNOWN, HEALTHY, DEGRADED, UNHEALTHY, NO_DATA, UNHEALTHY PAUSED")
	r.end()
	r = start(t, Options{StoragePath: killed})
	r.wantPast("a", "NO_DATA, UNKNOWN, HEALTHY, DEGRADED, UNHEALTHY, NO_DATA, UNHEALTHY PAUSED, NO_DATA, UNHEALTHY PAUSED")
}
