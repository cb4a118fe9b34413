package alerting_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

func TestAlertmanagerAcceptsExample(t *testing.T) {
	out := mustOutput(t, installed(t), amtool(t), "check-config", "alertmanager.yml")
	if !strings.Contains(out, "1 templates") || !strings.Contains(out, "0 inhibit rules") {
		t.Errorf("amtool check-config says:\n%s", out)
	}
}

func TestRoutes(t *testing.T) {
	tool, dir := amtool(t), installed(t)
	target := func(email string) []string {
		return []string{"alertname=HealthTargetUnhealthy", "job=health_exporter", "instance=x:1", "target=nas", "state=unhealthy", "email=" + email}
	}
	tests := []struct {
		name   string
		labels []string
		want   string
	}{
		{"address of an allowed domain", target("alice@example.org"), "target-owner"},
		{"address of the other allowed domain", target("bob.b+nas@example.net"), "target-owner"},
		{"certificate", []string{"alertname=HealthTargetCertificateExpiring", "instance=x:1", "target=nas", "email=alice@example.org"}, "target-owner"},
		{"certificate without an address", []string{"alertname=HealthTargetCertificateExpiring", "instance=x:1", "target=nas"}, "target-ops"},
		{"no address", []string{"alertname=HealthTargetUnhealthy", "instance=x:1", "target=nas"}, "target-ops"},
		{"empty address", target(""), "target-ops"},
		{"address of somebody else", target("mallory@evil.test"), "target-ops"},
		{"allowed domain as the beginning of another", target("alice@example.org.evil.test"), "target-ops"},
		{"allowed domain with more at its end", target("alice@example.organic"), "target-ops"},
		{"sub-domain", target("alice@sub.example.org"), "target-ops"},
		{"dot is a dot", target("alice@exampleXorg"), "target-ops"},
		{"two addresses", target("alice@example.org, bob@example.org"), "target-ops"},
		{"display name", target("Ops <alice@example.org>"), "target-ops"},
		{"local part too long", target(strings.Repeat("a", 65) + "@example.org"), "target-ops"},
		{"check", []string{"alertname=HealthCheckUnhealthy", "job=shop", "instance=a:1", "check=database", "state=unhealthy"}, "target-ops"},
		{"check that has recovered", []string{"alertname=HealthCheckRecovered", "job=health_exporter", "instance=x:1", "check=disk", "state=healthy"}, "target-ops"},
		{"check with an address", []string{"alertname=HealthCheckUnhealthy", "check=database", "email=alice@example.org"}, "target-ops"},
		{"exporter", []string{"alertname=HealthExporterDown", "job=health_exporter", "instance=x:1"}, "ops"},
		{"exporter with an address", []string{"alertname=HealthExporterDown", "email=alice@example.org"}, "ops"},
		{"watchdog", []string{"alertname=Watchdog", "severity=none"}, "deadman"},
		{"of other people", []string{"alertname=DiskFull"}, "ops"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			args := append([]string{"config", "routes", "test", "--config.file=alertmanager.yml"}, test.labels...)
			// A line of warning comes first where there is a system-wide amtool configuration.
			lines := strings.Split(strings.TrimSpace(mustOutput(t, dir, tool, args...)), "\n")
			if got := lines[len(lines)-1]; got != test.want {
				t.Errorf("goes to %q, want %q", got, test.want)
			}
		})
	}
}

// alert is what a template sees of an alert.
type alert map[string]any

func stateAlert(status, target, state, summary, startsAt string) alert {
	return alert{
		"status":      status,
		"labels":      map[string]string{"alertname": "HealthTarget", "target": target, "state": state, "instance": "x:1"},
		"annotations": map[string]string{"summary": summary, "description": "Why."},
		"startsAt":    startsAt,
	}
}

// checkAlert is the alert of a check instead.
func checkAlert(status, check, state, summary string) alert {
	return alert{
		"status":      status,
		"labels":      map[string]string{"alertname": "HealthCheck", "check": check, "state": state, "job": "shop", "instance": "a:1"},
		"annotations": map[string]string{"summary": summary, "description": "Why."},
		"startsAt":    "2026-11-21T10:00:00Z",
	}
}

func TestTemplates(t *testing.T) {
	tool, dir := amtool(t), installed(t)
	unhealthy := stateAlert("firing", "nas", "unhealthy", "nas is unhealthy", "2026-11-21T10:00:00Z")
	tests := []struct {
		name                string
		alerts              []alert
		common              map[string]string // labels; nil for those of a target
		subject, text, html string            // text and html: what they hold
	}{
		{
			name:    "one state",
			alerts:  []alert{unhealthy},
			subject: "[UNHEALTHY] nas is unhealthy",
			text:    "nas is unhealthy.\nWhy.\n\nTarget:   nas\nState:    UNHEALTHY\nSince:    2026-11-21 10:00:00 UTC\nExporter: x:1\n\nSent by health_exporter.\n",
			html:    "<p><b>nas is unhealthy</b><br>Why.</p>\n<table>\n<tr><td>Target</td><td>nas</td></tr>\n<tr><td>State</td><td><b>UNHEALTHY</b></td></tr>\n<tr><td>Since</td><td>2026-11-21 10:00:00 UTC</td></tr>\n<tr><td>Exporter</td><td>x:1</td></tr>\n</table>",
		},
		{
			name:    "the old state has not ended yet",
			alerts:  []alert{stateAlert("firing", "nas", "degraded", "nas health is degraded", "2026-11-21T09:59:00Z"), unhealthy},
			subject: "[UNHEALTHY] nas is unhealthy",
			text:    "State:    UNHEALTHY",
			html:    "<b>UNHEALTHY</b>",
		},
		{
			name:    "a name with markup and quotes",
			alerts:  []alert{stateAlert("firing", `<b>"a&b"`, "healthy", `<b>"a&b" is back to healthy`, "2026-11-21T10:00:00Z")},
			subject: `[HEALTHY] <b>"a&b" is back to healthy`,
			text:    `<b>"a&b" is back to healthy.`,
			html:    "&lt;b&gt;&#34;a&amp;b&#34; is back to healthy",
		},
		{
			name:    "a check",
			alerts:  []alert{checkAlert("firing", `data"base"<`, "healthy", `check data"base"< is back to healthy`)},
			subject: `[HEALTHY] check data"base"< is back to healthy`,
			text:    "check data\"base\"< is back to healthy.\nWhy.\n\nCheck:    data\"base\"<\nState:    HEALTHY\nSince:    2026-11-21 10:00:00 UTC\nProgram:  shop, a:1\n\nSent by health_exporter.\n",
			html:    "<table>\n<tr><td>Check</td><td>data&#34;base&#34;&lt;</td></tr>\n<tr><td>State</td><td><b>HEALTHY</b></td></tr>\n<tr><td>Since</td><td>2026-11-21 10:00:00 UTC</td></tr>\n<tr><td>Program</td><td>shop, a:1</td></tr>\n</table>",
		},
		{
			name:    "a resolved check",
			alerts:  []alert{checkAlert("resolved", "database", "unhealthy", "check database is unhealthy")},
			common:  map[string]string{"alertname": "HealthCheckUnhealthy", "check": "database"},
			subject: "[RESOLVED] HealthCheckUnhealthy database",
			text:    "HealthCheck database: no longer reported.",
			html:    "<p>HealthCheck database: no longer reported.</p>",
		},
		{
			name:    "resolved, for whoever sets send_resolved",
			alerts:  []alert{stateAlert("resolved", "nas", "unhealthy", "nas is unhealthy", "2026-11-21T10:00:00Z")},
			subject: "[RESOLVED] HealthTargetUnhealthy nas",
			text:    "HealthTarget nas: no longer reported.",
			html:    "<p>HealthTarget nas: no longer reported.</p>",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			common := test.common
			if common == nil {
				common = map[string]string{"alertname": "HealthTargetUnhealthy", "target": "nas"}
			}
			data, err := json.Marshal(map[string]any{
				"receiver":     "target-owner",
				"status":       "firing",
				"alerts":       test.alerts,
				"groupLabels":  map[string]string{"target": "nas", "email": "alice@example.org"},
				"commonLabels": common,
				"externalURL":  "http://alertmanager.example.org",
			})
			if err != nil {
				t.Fatal(err)
			}
			dataFile := filepath.Join(t.TempDir(), "data.json")
			if err := os.WriteFile(dataFile, data, 0o600); err != nil {
				t.Fatal(err)
			}
			render := func(template, kind string) string {
				out := mustOutput(t, dir, tool, "template", "render", "--template.glob="+templateFile,
					"--template.type="+kind, "--template.data="+dataFile, "--template.text="+template)
				return strings.TrimSuffix(out, "\n")
			}
			if got := render(`{{ template "health.subject" . }}`, "text"); got != test.subject {
				t.Errorf("subject %q, want %q", got, test.subject)
			}
			if got := render(`{{ template "health.text" . }}`, "text") + "\n"; !strings.Contains(got, test.text) {
				t.Errorf("text:\n%s\nwant in it:\n%s", got, test.text)
			}
			if got := render(`{{ template "health.html" . }}`, "html"); !strings.Contains(got, test.html) {
				t.Errorf("html:\n%s\nwant in it:\n%s", got, test.html)
			}
		})
	}
}

// TestChecksAreMailedOneByOne: programs of one kind have checks of the same names,
// and in a group of several alerts a mail tells of one.
func TestChecksAreMailedOneByOne(t *testing.T) {
	type route struct {
		Receiver string
		Matchers []string
		GroupBy  []string `yaml:"group_by"`
		Routes   []route
	}
	var config struct{ Route route }
	content, err := os.ReadFile(filepath.Join(installed(t), "alertmanager.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, &config); err != nil {
		t.Fatal(err)
	}
	var got []route
	for _, each := range config.Route.Routes {
		if slices.Contains(each.Matchers, `alertname=~"HealthCheck.+"`) {
			got = append(got, each)
		}
	}
	want := []route{{Receiver: "target-ops", Matchers: []string{`alertname=~"HealthCheck.+"`}, GroupBy: []string{"job", "instance", "check"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("routes of checks (-want +got):\n%s", diff)
	}
}
