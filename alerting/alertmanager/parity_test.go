package alertmanager

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/durable"
	"github.com/health-exporter/health_exporter/internal/testneed"
)

// TestAlertsEqualThoseOfRules has Prometheus' own tool evaluate the shipped rules over
// random histories, and compares which alerts fire with what Alerts says for the same
// histories. Every second history has outages of the exporter, after which it starts
// again with what it has saved. SOAK=1 makes more histories.
func TestAlertsEqualThoseOfRules(t *testing.T) {
	t.Parallel()
	promtool := testneed.Program(t, "prometheus", "promtool")
	dir := t.TempDir()
	if _, err := durable.WriteTree(dir, alerting.Files()); err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	tests.WriteString("rule_files: [rules/health_exporter.rules.yml, rules/health_checks.rules.yml]\nevaluation_interval: 15s\ntests:\n")
	seen := map[string]int{}
	histories := uint64(8)
	if testneed.Soak() {
		histories = 40
	}
	for seed := range histories {
		h := newHistory(seed)
		tests.WriteString(h.test(t, seen))
	}
	for _, rule := range append(alertRules(alerting.Target), alertRules(alerting.Check)...) {
		if seen[rule.alertname] == 0 {
			t.Errorf("%s fires in no history", rule.alertname)
		}
	}
	t.Logf("alerts compared: %v", seen)
	if err := os.WriteFile(filepath.Join(dir, "parity.yml"), []byte(tests.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), promtool, "test", "rules", "parity.yml")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out[:min(len(out), 6000)])
	}
}

const (
	parityStep  = 15 * time.Second
	paritySteps = 320
	parityEvery = 4 // of the steps are compared
)

// history is what subjects are like at each step. In one with outages nothing flaps,
// and what says how often it should be probed is: Prometheus lets the time of an outage
// count for what ends or begins with time alone, whereas we look again only after it.
type history struct {
	seed     uint64
	outages  bool
	down     []bool               // whether the exporter is
	subjects map[string][]*moment // nil where there is none
}

// moment is a subject at one step.
type moment struct {
	alerting.Subject
	lastProbe int // seconds; -1 for never
	since     int // seconds
}

// stalled is what the exporter makes of when it was probed. Of programs that do not say
// how often they are run, checks count as not run after an hour.
func (m *moment) stalled(now int) bool {
	interval := int(m.Interval.Seconds())
	switch {
	case now-m.since < 2*interval:
		return false
	case m.lastProbe < 0:
		return true
	case interval == 0 && m.Kind == alerting.Check:
		return now-m.lastProbe >= 3600
	case interval == 0:
		return now-m.lastProbe >= 360
	}
	return now-m.lastProbe > int(alerting.NotProbedAfter(m.Interval).Seconds())
}

func newHistory(seed uint64) *history {
	rnd := rand.New(rand.NewPCG(seed, 1))
	h := &history{seed: seed, outages: seed%2 == 1, down: make([]bool, paritySteps), subjects: map[string][]*moment{}}
	if h.outages {
		for from := 60 + rnd.IntN(100); from < paritySteps; from += 100 + rnd.IntN(100) {
			for n := from; n < min(paritySteps, from+2+rnd.IntN(50)); n++ {
				h.down[n] = true
			}
		}
	}
	for n := range 5 {
		h.subjects[fmt.Sprint("target ", n)] = h.randomLife(rnd, alerting.Target, fmt.Sprint("target ", n))
	}
	for n := range 1 + seed%4 {
		h.subjects[fmt.Sprint("check ", n)] = h.randomLife(rnd, alerting.Check, fmt.Sprint("check ", n))
	}
	return h
}

// randomLife is one that changes often for a while, and then seldom.
func (h *history) randomLife(rnd *rand.Rand, kind alerting.Kind, name string) []*moment {
	life := make([]*moment, paritySteps)
	now := moment{Subject: alerting.Subject{Kind: kind, Name: name, Email: "a@example.org"}, lastProbe: -1}
	now.Interval = []time.Duration{0, 30 * time.Second, 15 * time.Minute}[rnd.IntN(3)]
	probed := kind == alerting.Check && rnd.IntN(2) == 0
	if h.outages && kind == alerting.Check && !probed {
		now.Interval = 0
	}
	there, lost, flips, n := rnd.IntN(4) > 0, false, 0, 0
	for n < paritySteps {
		duration := []int{1 + rnd.IntN(3), 5 + rnd.IntN(30), 40 + rnd.IntN(40)}[rnd.IntN(3)]
		if flips > 0 {
			flips--
			there, now.Paused = true, false
			now.State, duration = []health.Verdict{health.Healthy, health.Unhealthy}[flips%2], 1+rnd.IntN(6)
		}
		switch what := rnd.IntN(20); {
		case flips > 0:
		case what < 2 && !h.outages:
			flips = 6 + rnd.IntN(6)
		case what < 14:
			now.State = health.Verdicts()[rnd.IntN(4)]
		case what == 14 && kind == alerting.Target:
			now.Paused = !now.Paused
		case what == 15 && kind == alerting.Target:
			now.Email = []string{"", "a@example.org", "b@example.org"}[rnd.IntN(3)]
		case what == 16:
			there = !there
			lost = kind == alerting.Target && !there && rnd.IntN(3) > 0
		case what == 17 && lost:
			lost = false
		default:
			there, now.Paused = true, false
		}
		if kind == alerting.Target {
			probed = h.outages || rnd.IntN(3) > 0
		}
		if n == 0 || life[n-1] == nil || !life[n-1].Gone.IsZero() || life[n-1].State != now.State {
			now.since = n * 15
		}
		for end := n + duration; n < min(end, paritySteps); n++ {
			if !there {
				if lost {
					gone := moment{Subject: alerting.Subject{Kind: kind, Name: name, Email: now.Email, Gone: time.Unix(int64(n)*15, 0)}, lastProbe: -1}
					life[n] = &gone
				}
				continue
			}
			if every := max(1, int(now.Interval/parityStep)); probed && (now.lastProbe < 0 || n%every == 0) {
				now.lastProbe = n * 15
			}
			m := now
			m.Stalled = m.stalled(n * 15)
			life[n] = &m
		}
	}
	return life
}

// firing are the alerts that fire, at each step at which the exporter runs.
func (h *history) firing(t *testing.T) []map[string]string {
	t.Helper()
	all := make([]map[string]string, paritySteps)
	memory, saved, events := new(Memory), disk{}, journal{}
	for n := range paritySteps {
		if h.down[n] {
			memory = saved.restart(t, memory)
			continue
		}
		var subjects []alerting.Subject
		for _, name := range slices.Sorted(maps.Keys(h.subjects)) {
			if m := h.subjects[name][n]; m != nil {
				subjects = append(subjects, m.Subject)
			}
		}
		all[n] = map[string]string{}
		for _, a := range firing(subjects, memory, events, "x:1", time.Unix(0, 0).Add(time.Duration(n)*parityStep)) {
			var labels []string
			for _, label := range slices.Sorted(maps.Keys(a.Labels)) {
				labels = append(labels, fmt.Sprintf("%s=%q", label, a.Labels[label]))
			}
			all[n][strings.Join(labels, ", ")] = a.Labels["alertname"]
		}
	}
	return all
}

// test is the history as a test for promtool. Times at which something has just
// changed, or soon will, are left out: the edges of ranges are not the same in all
// versions of Prometheus.
func (h *history) test(t *testing.T, seen map[string]int) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "- name: \"seed %d\"\n  interval: 15s\n  input_series:\n", h.seed)
	for series, values := range h.series() {
		fmt.Fprintf(&b, "  - {series: '%s', values: '%s'}\n", series, strings.Join(values, " "))
	}
	b.WriteString("  promql_expr_test:\n")
	firing := h.firing(t)
	for n := 3 + int(h.seed%parityEvery); n < paritySteps-3; n += parityEvery {
		stable := true
		for k := n - 2; k <= n+2; k++ {
			stable = stable && firing[k] != nil && maps.Equal(firing[k], firing[n])
		}
		if !stable {
			continue
		}
		fmt.Fprintf(&b, "  - expr: 'max without (alertstate) (ALERTS{alertstate=\"firing\", alertname=~\"Health(Target|Check).+\"})'\n    eval_time: %ds\n    exp_samples:\n", n*15)
		for _, labels := range slices.Sorted(maps.Keys(firing[n])) {
			seen[firing[n][labels]]++
			fmt.Fprintf(&b, "    - {labels: '{%s}', value: 1}\n", labels)
		}
	}
	return b.String()
}

// series are the metrics of the exporter in promtool's words.
func (h *history) series() map[string][]string {
	const common = `job="health_exporter",instance="x:1"`
	all := map[string][]string{}
	put := func(name string, n int, value any) {
		for len(all[name]) < n {
			all[name] = append(all[name], h.gap(all[name]))
		}
		all[name] = append(all[name], fmt.Sprint(value))
	}
	for n := range paritySteps {
		up := 1
		if h.down[n] {
			up = 0
		}
		put("up{"+common+"}", n, up)
		for name, life := range h.subjects {
			m := life[n]
			if m == nil || up == 0 {
				continue
			}
			id := fmt.Sprintf(`%s,%s="%s"`, common, m.Kind, name)
			if !m.Gone.IsZero() {
				put(fmt.Sprintf(`health_target_gone_timestamp_seconds{%s,reason="lease_expired",email="%s"}`, id, m.Email), n, m.Gone.Unix())
				continue
			}
			for _, v := range health.Verdicts() {
				put(fmt.Sprintf(`health_%s_state{%s,state="%s"}`, m.Kind, id, v), n, map[bool]int{true: 1}[m.State == v])
			}
			if m.lastProbe >= 0 {
				put(fmt.Sprintf("health_%s_last_probe_timestamp_seconds{%s}", m.Kind, id), n, m.lastProbe)
			}
			if m.Interval > 0 {
				put(fmt.Sprintf("health_%s_interval_seconds{%s}", m.Kind, id), n, m.Interval.Seconds())
				put(fmt.Sprintf("health_%s_state_since_timestamp_seconds{%s}", m.Kind, id), n, m.since)
			}
			if m.Kind == alerting.Target {
				put(fmt.Sprintf("health_target_paused{%s}", id), n, map[bool]int{true: 1}[m.Paused])
				put(fmt.Sprintf(`health_target_info{%s,email="%s"}`, id, m.Email), n, 1)
			}
		}
	}
	for name := range all {
		if len(all[name]) < paritySteps {
			all[name] = append(all[name], "stale")
		}
	}
	return all
}

// gap is a step at which a series is not there: marked as gone at the first of them.
func (h *history) gap(values []string) string {
	if len(values) > 0 && values[len(values)-1] != "_" && values[len(values)-1] != "stale" {
		return "stale"
	}
	return "_"
}
