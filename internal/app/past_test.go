package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/internal/history"
)

// past gives the states of a target in the last day without the data that lacks
// before, as words.
func (r *running) past(app string) string {
	_, body := r.get("/api/v1/targets/" + app + "/history")
	var v struct {
		Intervals []struct {
			State               string
			Paused, Maintenance bool
		}
	}
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		return body
	}
	var words []string
	for _, i := range v.Intervals {
		word := i.State
		if i.Paused {
			word += " PAUSED"
		}
		if i.Maintenance {
			word += " MAINTENANCE"
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

// wantPast waits until the history begins so. More may follow: a target that is resumed
// is probed when its turn comes.
func (r *running) wantPast(app, want string) {
	r.t.Helper()
	var got string
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if got = r.past(app); got == want || strings.HasPrefix(got, want+", ") {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("the history of %s is %s, want %s", app, got, want)
		}
	}
}

// TestHistoryOverARestart: what happens between two looks is noted too, and so is the
// time in which the exporter was down.
func TestHistoryOverARestart(t *testing.T) {
	dir := t.TempDir()
	url, broken := switchable(t)
	r := start(t, Options{StoragePath: dir})
	register := func(app string) {
		if code, body := r.post("/api/v1/targets", fmt.Sprintf(`{"app":%q,"url":%q,"initial_delay":300,"fast_start":true}`, app, url)); code != http.StatusCreated {
			t.Fatalf("%d %s", code, body)
		}
	}
	probe := func(times int) {
		for range times {
			if code, body := r.post("/api/v1/targets/a/probe", ""); code != http.StatusOK {
				t.Fatalf("%d %s", code, body)
			}
			time.Sleep(2 * time.Millisecond) // the history counts in milliseconds
		}
	}
	register("a")
	register("b")
	probe(1)
	broken.Store(true)
	probe(2)
	r.wantPast("a", "NO_DATA, UNKNOWN, HEALTHY, DEGRADED, UNHEALTHY")
	r.wantPast("b", "NO_DATA, UNKNOWN")
	before := r.App.past.store.Read("a", time.Now().Add(-time.Hour), time.Now())
	entries, _ := r.polling.scheduler.Transitions("a")
	for i, each := range entries { // to the millisecond
		if got := before[i+2].From.Sub(each.Time).Abs(); got > time.Millisecond {
			t.Errorf("the change to %s is noted %s off", each.To, got)
		}
	}
	r.end()

	r = start(t, Options{StoragePath: dir})
	r.wantPast("a", "NO_DATA, UNKNOWN, HEALTHY, DEGRADED, UNHEALTHY, NO_DATA, UNHEALTHY")
	r.post("/api/v1/targets/a/pause", "")
	r.wantPast("a", "NO_DATA, UNKNOWN, HEALTHY, DEGRADED, UNHEALTHY, NO_DATA, UNHEALTHY, UNHEALTHY PAUSED")
	time.Sleep(2 * time.Millisecond) // the history counts in milliseconds
	r.post("/api/v1/targets/a/resume", "")
	r.wantPast("a", "NO_DATA, UNKNOWN, HEALTHY, DEGRADED, UNHEALTHY, NO_DATA, UNHEALTHY, UNHEALTHY PAUSED, UNKNOWN")

	if code, body := r.post("/api/v1/maintenance", `{"name":"m","targets":["b"],"duration":3600}`); code != http.StatusCreated {
		t.Fatalf("%d %s", code, body)
	}
	r.wantPast("b", "NO_DATA, UNKNOWN, NO_DATA, UNKNOWN, UNKNOWN MAINTENANCE")
	if ok, err := (maintenanceWindows{r.telling}).Remove("m"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	r.wantPast("b", "NO_DATA, UNKNOWN, NO_DATA, UNKNOWN, UNKNOWN MAINTENANCE, UNKNOWN")

	request, _ := http.NewRequest(http.MethodDelete, r.url+"/api/v1/targets/b", nil)
	if resp, err := http.DefaultClient.Do(request); err != nil || resp.Body.Close() != nil || resp.StatusCode != http.StatusNoContent {
		t.Fatal(resp, err)
	}
	r.eventually("the history of b ended", func() bool {
		now := time.Now()
		return r.App.past.store.Sum("b", now, now.Add(time.Nanosecond)).NoData > 0 && lastState(r, "b") == history.NoData
	})
	r.eventually("in the metrics", func() bool {
		_, page := r.get("/metrics")
		return strings.Contains(page, "\nhealth_history_subjects 2\n") && strings.Contains(page, "\nhealth_history_recovered 0\n") &&
			!strings.Contains(page, "\nhealth_history_bytes 0\n") // after the first write
	})
}

// lastState is that of just now.
func lastState(r *running, subject string) history.State {
	now := time.Now()
	list := r.App.past.store.Read(subject, now.Add(-time.Millisecond), now)
	return list[len(list)-1].State
}

// TestHistoryOfChecks also starts with a file that is broken.
func TestHistoryOfChecks(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "history.db"), "broken")
	file := filepath.Join(t.TempDir(), "health_exporter.yml")
	write(t, file, "checks:\n  - {name: disk, kind: disk, path: /, min_free: 0, interval: 1s, healthy: 1}\n")
	r := start(t, Options{StoragePath: dir, ConfigFile: file})
	r.eventually("the check healthy in the history", func() bool { return lastState(r, "check:disk") == history.Healthy })
	if !r.App.past.store.Stats().Recovered {
		t.Error("nothing is said of the broken file")
	}
	if aside, _ := filepath.Glob(filepath.Join(dir, "history.db.corrupt-*")); len(aside) != 1 {
		t.Errorf("moved aside: %q", aside)
	}
	r.end()
	if info, err := os.Stat(filepath.Join(dir, "history.db")); err != nil || info.Size() == 0 {
		t.Errorf("%v %v", info, err)
	}
}

// TestLastChangeIsInTheHistory: so is what happens between the last look and the end.
func TestLastChangeIsInTheHistory(t *testing.T) {
	dir := t.TempDir()
	url, broken := switchable(t)
	broken.Store(true)
	file := filepath.Join(t.TempDir(), "health_exporter.yml")
	write(t, file, fmt.Sprintf("targets: [{app: a, url: %q, interval: 1d, initial_delay: 1d, unhealthy: 1}]\n", url))
	r := start(t, Options{StoragePath: dir, ConfigFile: file})
	r.wantPast("a", "NO_DATA, UNKNOWN")
	time.Sleep(2 * time.Millisecond) // the history counts in milliseconds
	if code, body := r.post("/api/v1/targets/a/probe", ""); code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	time.Sleep(2 * time.Millisecond)
	r.end()
	r = start(t, Options{StoragePath: dir, ConfigFile: file})
	r.wantPast("a", "NO_DATA, UNKNOWN, UNHEALTHY, NO_DATA, UNHEALTHY")
}
