package app

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	promconfig "github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/internal/config"
)

// TestTryNotifyAlertmanager: the test must find out what the pushing itself would: it
// follows no redirect, and takes every answer of success.
func TestTryNotifyAlertmanager(t *testing.T) {
	var posts []string
	good := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		posts = append(posts, r.Method+" "+r.URL.Path+" "+r.UserAgent())
		if user, password, ok := r.BasicAuth(); ok {
			posts = append(posts, user+" "+password)
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer good.Close()
	moved := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, good.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer moved.Close()
	for _, test := range []struct {
		name, url string
		at        config.Alertmanager
		ok        bool
		want      string
	}{
		{"accepted", good.URL + "/am", config.Alertmanager{URL: good.URL + "/am"}, true, ": ok"},
		{"with a password", good.URL + "/am", config.Alertmanager{
			URL: good.URL, PathPrefix: "/am", BasicAuth: &promconfig.BasicAuth{Username: "me", Password: "hunter2"},
		}, true, ": ok"},
		{"moved", moved.URL, config.Alertmanager{URL: moved.URL}, false, ": FAILED: 307 Temporary Redirect"},
	} {
		t.Run(test.name, func(t *testing.T) {
			posts = nil
			cfg := config.Default()
			cfg.Alerting.Alertmanagers = []config.Alertmanager{test.at}
			var out strings.Builder
			if ok := TryNotify(t.Context(), cfg, &out); ok != test.ok || !strings.Contains(out.String(), "alert to "+test.url+test.want) {
				t.Errorf("%v, %q", ok, out.String())
			}
			if auth := test.at.BasicAuth; auth != nil && !slices.Contains(posts, "me hunter2") {
				t.Errorf("posts %q", posts)
			}
			posts = slices.DeleteFunc(posts, func(s string) bool { return s == "me hunter2" })
			if test.ok != (len(posts) == 1) || test.ok && posts[0] != "POST /am/api/v2/alerts health_exporter" {
				t.Errorf("posts %q", posts)
			}
		})
	}
}

// TestTryNotifyTemplates: the mail is made of the templates of the operator, as those
// that matter are.
func TestTryNotifyTemplates(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "subject.tmpl"), `[{{ .Title }}]`)
	server := newFakeMailServer(t)
	file := filepath.Join(t.TempDir(), "c.yml")
	write(t, file, `alerting: {email: {smarthost: "`+server.address+`", tls: none, from: a@example.org, to: [b@example.org], templates: "`+dir+`"}}`)
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if !TryNotify(t.Context(), cfg, &out) {
		t.Fatal(out.String())
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"To: <b@example.org>", "Subject: [Test of health_exporter]", host, "Sent by health_exporter."} {
		if got := server.received(); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
