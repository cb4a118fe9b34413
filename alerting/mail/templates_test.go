package mail

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
)

func templatesOf(t *testing.T, files map[string]string) (*Templates, string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	templates, err := LoadTemplates(dir)
	return templates, dir, err
}

func TestOwnTemplates(t *testing.T) {
	templates, _, err := templatesOf(t, map[string]string{
		"subject.tmpl": "[{{ len .Entries }}]\r\n{{ .Title }}\n", "html.tmpl": "<p>{{ (index .Entries 0).Name }}</p>", "README.md": "mine",
	})
	if err != nil {
		t.Fatal(err)
	}
	notices := []alerting.Notice{notice(1, "<nas>", health.Healthy, health.Degraded)}
	m, err := templates.Compose("alice@example.org", notices, tenOClock())
	if err != nil {
		t.Fatal(err)
	}
	if m.Subject != "[1] <nas> health is degraded" || m.HTML != "<p>&lt;nas&gt;</p>" || !strings.HasPrefix(m.Text, "<nas> health is degraded.\n") {
		t.Errorf("%+v", m)
	}
}

func TestFaultyTemplates(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  []string // one for each fault
	}{
		{"nothing there", nil, []string{"found none of subject.tmpl, text.tmpl, html.tmpl"}},
		{"all at once", map[string]string{
			"subject.tmpl": "{{ .Titel }}", "text.tmpl": "{{ if }}", "html.tmpl": "{{ (index .More 0).Name }}", "txt.tmpl": "x",
		}, []string{
			"txt.tmpl is not allowed, must be one of subject.tmpl, text.tmpl, html.tmpl", "subject.tmpl:1:3", "can't evaluate field Titel",
			"text.tmpl:1: missing value for if", "html.tmpl:1:4", "index out of range",
		}},
		{"empty", map[string]string{"subject.tmpl": " \n"}, []string{"subject.tmpl: it gives nothing"}},
		{"function that is not there", map[string]string{"text.tmpl": "{{ exec }}"}, []string{`function "exec" not defined`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			templates, dir, err := templatesOf(t, test.files)
			if err == nil || templates != nil {
				t.Fatalf("%v, %v", templates, err)
			}
			for _, want := range append(test.want, dir) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not hold %q:\n%v", want, err)
				}
			}
		})
	}
	if _, err := LoadTemplates(filepath.Join(t.TempDir(), "not there")); err == nil {
		t.Error("a directory that is not there was read")
	}
}

// TestTemplateThatFailsLater is one that fails with what nobody has thought of.
func TestTemplateThatFailsLater(t *testing.T) {
	templates, _, err := templatesOf(t, map[string]string{"text.tmpl": `{{ if eq .Title "tv is unhealthy" }}{{ index .More 99 }}{{ end }}mine`})
	if err != nil {
		t.Fatal(err)
	}
	m, err := templates.Compose("alice@example.org", []alerting.Notice{notice(1, "tv", health.Healthy, health.Unhealthy)}, tenOClock())
	if err == nil || !strings.Contains(err.Error(), "text.tmpl") {
		t.Errorf("error %v", err)
	}
	want := compose(t, notice(1, "tv", health.Healthy, health.Unhealthy))
	if m == nil || m.Text != want.Text || m.MessageID != want.MessageID {
		t.Errorf("mail %+v", m)
	}
}

// TestShippedHTML keeps out what mail programs block, or what makes them ask.
func TestShippedHTML(t *testing.T) {
	source, err := templateFiles.ReadFile(htmlTemplate)
	if err != nil {
		t.Fatal(err)
	}
	if found := regexp.MustCompile(`(?i)<(img|script|style|link|iframe|form)|url\(|@import|class=`).FindAllString(string(source), -1); found != nil {
		t.Errorf("it has %q", found)
	}
}
