package alertmanager

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/alerting"
)

func TestAlerts(t *testing.T) {
	const minute = time.Minute
	tests := []struct {
		name  string
		steps []sceneStep
	}{
		{"a new target is healthy: silent", []sceneStep{
			{0, state("nas", unknown), ""}, {minute, state("nas", healthy), ""}, {20 * minute, nil, ""},
		}},
		{"each state is one alert, and good news only after bad", []sceneStep{
			{0, state("nas", healthy), ""},
			{minute, state("nas", degraded), "nas degraded"},
			{minute, state("nas", unhealthy), "nas unhealthy"},
			{minute, state("nas", degraded), "nas degraded"},
			{minute, state("nas", healthy), "nas healthy"},
			{9*minute + 45*time.Second, nil, "nas healthy"},
			{15 * time.Second, nil, ""},
		}},
		{"unknown is told when it is not probed for 6 minutes", []sceneStep{
			{0, state("nas", unknown), ""},
			{5 * minute, stalled("nas", true), ""},
			{5*minute + 45*time.Second, nil, ""},
			{15 * time.Second, nil, "nas unknown"},
			{minute, stalled("nas", false), ""},
			{minute, state("nas", healthy), "nas healthy"},
		}},
		{"unknown for a moment does not make one forget bad news", []sceneStep{
			{0, state("nas", unhealthy), "nas unhealthy"},
			{minute, state("nas", unknown), ""},
			{30 * minute, state("nas", healthy), "nas healthy"},
		}},
		{"paused targets are silent, and told when they go on", []sceneStep{
			{0, state("nas", unhealthy), "nas unhealthy"},
			{minute, paused("nas", true), ""},
			{60 * minute, paused("nas", false), "nas unhealthy"},
			{minute, paused("nas", true), ""},
			{60 * minute, state("nas", healthy), ""},
			{minute, paused("nas", false), "nas healthy"},
		}},
		{"gone for 10 minutes, whatever it was", []sceneStep{
			{0, state("nas", unhealthy), "nas unhealthy"},
			{0, state("well", healthy), "nas unhealthy"},
			{minute, remove("nas"), "nas unregistered"},
			{minute, remove("well"), "nas unregistered, well unregistered"},
			{9 * minute, nil, "well unregistered"},
			{minute, nil, ""},
		}},
		{"gone and back soon: the recovery is told", []sceneStep{
			{0, state("nas", unhealthy), "nas unhealthy"},
			{minute, remove("nas"), "nas unregistered"},
			{minute, state("nas", unknown), ""},
			{minute, state("nas", healthy), "nas healthy"},
		}},
		{"gone and back late: it is new", []sceneStep{
			{0, state("nas", unhealthy), "nas unhealthy"},
			{minute, remove("nas"), "nas unregistered"},
			{11 * minute, state("nas", healthy), ""},
		}},
		{"another address", []sceneStep{
			{0, state("nas", unhealthy), "nas unhealthy"},
			{minute, func(w *scene) { w.subjects["nas"].Email = "b@example.org" }, "nas unhealthy b@example.org"},
			{minute, func(w *scene) { w.subjects["nas"].Email = "" }, "nas unhealthy "},
			{minute, remove("nas"), "nas unregistered "},
		}},
		{"flapping replaces states until it is calm", []sceneStep{
			{0, state("nas", healthy), ""},
			{minute, state("nas", unhealthy), "nas unhealthy"},
			{minute, state("nas", healthy), "nas healthy"},
			{minute, state("nas", unhealthy), "nas unhealthy"},
			{minute, state("nas", healthy), "nas healthy"},
			{minute, state("nas", unhealthy), "nas unhealthy"},
			{minute, state("nas", healthy), "nas flapping"},
			{minute, state("nas", degraded), "nas flapping"},
			{minute, state("nas", unhealthy), "nas flapping"},
			{8*minute + 45*time.Second, nil, "nas flapping"},
			{15 * time.Second, nil, "nas unhealthy"},
		}},
		{"a new check that is run: silent", []sceneStep{
			{0, state("check", unknown), ""}, {60 * minute, state("check", healthy), ""},
		}},
		{"a check that was started again stays what it was", []sceneStep{
			{0, state("check", unhealthy), "check unhealthy"},
			{minute, state("check", unknown), "check unhealthy"},
			{30 * minute, state("check", healthy), "check healthy"},
			{minute, state("check", unknown), "check healthy"},
		}},
		{"a check that is not run", []sceneStep{
			{0, state("check", unknown), ""},
			{0, stalled("check", true), ""},
			{5 * minute, nil, ""},
			{minute, nil, "check unknown"},
			{minute, func(w *scene) { w.set("check", healthy).Stalled = false }, "check healthy"},
		}},
		{"a check that waits for a bad one", []sceneStep{
			{0, state("check a", unhealthy), "check a unhealthy"},
			{0, state("check b", unknown), "check a unhealthy"},
			{0, stalled("check b", true), "check a unhealthy"},
			{30 * minute, nil, "check a unhealthy"},
			{0, state("check a", healthy), "check a healthy"},
			{5 * minute, nil, "check a healthy"},
			{minute, nil, "check a healthy, check b unknown"},
		}},
		{"a check that is gone says nothing", []sceneStep{
			{0, state("check", unhealthy), "check unhealthy"},
			{minute, remove("check"), ""},
			{minute, state("check", unknown), ""},
		}},
		{"named twice", []sceneStep{
			{0, func(w *scene) {
				s := w.set("nas", unhealthy)
				w.subjects["zzz"] = &alerting.Subject{Kind: alerting.Target, Name: "nas", State: degraded, Since: s.Since}
			}, "nas unhealthy"},
		}},
		{"the clock is set back a little", []sceneStep{
			{0, state("nas", unhealthy), "nas unhealthy"},
			{minute, state("nas", healthy), "nas healthy"},
			{0, func(w *scene) { w.now = w.now.Add(-3 * minute) }, "nas healthy"},
			{minute, remove("nas"), "nas unregistered"},
			{0, func(w *scene) { w.now = w.now.Add(-3 * minute) }, "nas unregistered"},
		}},
	}
	for _, test := range tests {
		for _, restarts := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restarts %v", test.name, restarts), func(t *testing.T) {
				w := newScene()
				for i, s := range test.steps {
					w.pass(s.after)
					if s.do != nil {
						s.do(w)
					}
					// What a check waits for begins anew with its program.
					if restarts && !strings.Contains(test.name, "check that is not run") && !strings.Contains(test.name, "waits") {
						w.restart(t)
					}
					if got := w.look(); got != s.want {
						t.Fatalf("step %d: %q fires, want %q", i, got, s.want)
					}
				}
			})
		}
	}
}

// After a restart a check has to find out again, and that is given time.
func TestStartedCheckIsGivenTime(t *testing.T) {
	w := newScene()
	w.set("check", unknown).Stalled = true
	w.pass(5 * time.Minute)
	w.restart(t)
	w.pass(5 * time.Minute)
	if got := w.look(); got != "" {
		t.Errorf("%q fires 5 minutes after the start", got)
	}
	w.pass(2 * time.Minute)
	if got := w.look(); got != "check unknown" {
		t.Errorf("%q fires 7 minutes after the start", got)
	}
}

func TestAlertInFull(t *testing.T) {
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	subjects := []alerting.Subject{
		{Kind: alerting.Target, Name: "nas", Email: "a@example.org", State: unhealthy, Since: now.Add(-time.Minute), Link: "http://x:1/targets/nas"},
		{Kind: alerting.Target, Name: "tv", State: degraded, Since: now.Add(time.Minute), Link: "javascript:alert(1)"},
		{Kind: alerting.Check, Name: "disk", Email: "a@example.org", State: unhealthy, Since: now.Add(-time.Hour)},
	}
	want := []Alert{
		{
			Labels: map[string]string{
				"alertname": "HealthTargetUnhealthy", "job": "health_exporter", "instance": "x:1", "target": "nas",
				"state": "unhealthy", "email": "a@example.org", "severity": "critical",
			},
			Annotations:  map[string]string{"summary": "nas is unhealthy", "description": "Several health checks in a row have failed."},
			StartsAt:     now.Add(-time.Minute),
			GeneratorURL: "http://x:1/targets/nas",
		},
		{
			Labels: map[string]string{
				"alertname": "HealthTargetDegraded", "job": "health_exporter", "instance": "x:1", "target": "tv",
				"state": "degraded", "severity": "warning",
			},
			Annotations: map[string]string{"summary": "tv health is degraded", "description": "A health check has failed, or the target itself reports a warning."},
			StartsAt:    now,
		},
		{
			Labels: map[string]string{
				"alertname": "HealthCheckUnhealthy", "job": "health_exporter", "instance": "x:1", "check": "disk",
				"state": "unhealthy", "severity": "critical",
			},
			Annotations: map[string]string{"summary": "check disk is unhealthy", "description": "Several runs in a row have failed."},
			StartsAt:    now.Add(-time.Hour),
		},
	}
	if diff := cmp.Diff(want, firing(subjects, new(Memory), journal{}, "x:1", now)); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
}

// An alert that begins again did not begin when the state did.
func TestAlertBeginsAgain(t *testing.T) {
	w := newScene()
	s := w.set("nas", unhealthy)
	begin := func() time.Time {
		alerts := w.memory.look(w.journal.round(w.list(), w.memory, w.now), "x:1", w.now, time.Hour)[0].alerts
		return alerts[len(alerts)-1].StartsAt
	}
	first := w.now
	for i, want := range []time.Time{first, first.Add(2 * time.Minute)} {
		if got := begin(); !got.Equal(want) {
			t.Errorf("time %d: begins at %v, want %v", i, got, want)
		}
		w.now = w.now.Add(time.Minute)
		s.Paused = true
		begin()
		w.now = w.now.Add(time.Minute)
		s.Paused = false
	}
}

// TestRulesSayTheSame compares names, severities and texts with the shipped rules.
func TestRulesSayTheSame(t *testing.T) {
	for kind, file := range map[alerting.Kind]string{alerting.Target: "rules/health_exporter.rules.yml", alerting.Check: "rules/health_checks.rules.yml"} {
		text, err := fs.ReadFile(alerting.Files(), file)
		if err != nil {
			t.Fatal(err)
		}
		var shipped struct {
			Groups []struct {
				Rules []struct {
					Alert               string
					Labels, Annotations map[string]string
				}
			}
		}
		if err := yaml.Unmarshal(text, &shipped); err != nil {
			t.Fatal(err)
		}
		got := map[string][3]string{}
		for _, r := range alertRules(kind) {
			name := map[alerting.Kind]string{alerting.Target: "{{ $labels.target }}", alerting.Check: "{{ $labels.check }}"}[kind]
			got[r.alertname] = [3]string{r.severity, r.summary(kind, name), r.description}
		}
		want := map[string][3]string{}
		for _, r := range shipped.Groups[0].Rules {
			if r.Alert != "" && r.Alert != "HealthTargetCertificateExpiring" {
				want[r.Alert] = [3]string{r.Labels["severity"], r.Annotations["summary"], r.Annotations["description"]}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-shipped +pushed):\n%s", file, diff)
		}
	}
}
