package app

import (
	"bytes"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestDroppedFamilies: a reload says what /metrics leaves out, and the log who needs it.
func TestDroppedFamilies(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yml")
	const targets = "targets: [{app: a, url: 'http://127.0.0.1:1', interval: 1d, initial_delay: 1d}]\n"
	write(t, file, targets+"metrics: {drop: [health_target_paused, health_target_stat]}\n")
	var log bytes.Buffer
	r := startLogging(t, Options{ConfigFile: file}, slog.New(slog.NewTextHandler(&log, nil)))
	has := func(wanted ...string) {
		t.Helper()
		_, page := r.get("/metrics")
		for _, family := range []string{"health_target_paused", "health_target_state", "health_target_info"} {
			want := strings.Contains(strings.Join(wanted, " "), family)
			if strings.Contains(page, "\n"+family+"{") != want {
				t.Errorf("%s is there: %t", family, !want)
			}
		}
	}
	has("health_target_state", "health_target_info")
	write(t, file, targets+"metrics: {drop: ['health_target_[si]*']}\n")
	if code, body := r.post("/-/reload", ""); code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	has("health_target_paused")
	write(t, file, targets)
	if code, body := r.post("/-/reload", ""); code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	has("health_target_paused", "health_target_state", "health_target_info")
	r.end()
	for _, want := range []string{
		`at=metrics.drop[1] problem="no family of targets or checks has the name \"health_target_stat\"; did you mean \"health_target_state\"?"`,
		`leaves out health_target_paused, without which these do not work: `, `leaves out health_target_state, without which`, "alert Health", "dashboard ",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %s:\n%s", want, &log)
		}
	}
}

// TestMetricFamilies: most are needed, and some are not.
func TestMetricFamilies(t *testing.T) {
	families := MetricFamilies()
	needed := 0
	for _, by := range families {
		if len(by) > 0 {
			needed++
		}
	}
	if needed < 15 || needed == len(families) || len(families["health_target_state"]) == 0 {
		t.Errorf("%d of %d are needed", needed, len(families))
	}
}
