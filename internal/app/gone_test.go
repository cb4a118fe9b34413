package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/prober"
)

// TestGone: what is lost is in the schedule or among what is gone, and an address is
// shown and mailed only if the operator allows it, as of now.
func TestGone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "health_exporter.yml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("registration: {allowed_emails: [\"@example.org\"]}\nalerting: {external_url: http://monitor.example.org}\n")
	a, err := New(Options{ConfigFile: file, Web: webFlags("127.0.0.1:0"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer a.parts.close()

	found := func(app, email string) prober.Target {
		return prober.Target{App: app, URL: "http://10.0.0.7", Email: email, Interval: time.Minute, Timeout: time.Second, Unhealthy: 2, Healthy: 2}
	}
	a.storage.Replace("mdns", []prober.Target{found("nas", "me@example.org"), found("tv", "me@elsewhere.example")})
	a.polling.reconcile()
	a.storage.Replace("mdns", nil)
	told := func() map[string]string {
		all := map[string]string{}
		for s := range a.telling.subjects {
			if s.Kind == "target" {
				all[s.Name] = s.Email
				if !s.Gone.IsZero() {
					all[s.Name] += " gone " + s.Link
				}
			}
		}
		return all
	}
	// The schedule has them until it is made anew, with addresses that may be mailed.
	if diff := cmp.Diff(map[string]string{"nas": "me@example.org", "tv": ""}, told()); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	a.polling.reconcile()
	const at = " gone http://monitor.example.org/targets/"
	if diff := cmp.Diff(map[string]string{"nas": "me@example.org" + at + "nas", "tv": at + "tv"}, told()); diff != "" {
		t.Errorf("after (-want +got):\n%s", diff)
	}
	lost := a.polling.lost()
	shown := map[string]string{}
	for _, g := range lost.Targets {
		shown[g.App] = string(g.Reason) + " " + g.Email
	}
	if diff := cmp.Diff(map[string]string{"nas": "not_discovered me@example.org", "tv": "not_discovered "}, shown); diff != "" {
		t.Errorf("gone, as figures (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[registry.Reason]uint64{registry.LeaseExpired: 0, registry.NotDiscovered: 2}, lost.Expired); diff != "" {
		t.Errorf("expired (-want +got):\n%s", diff)
	}
	write("{}\n")
	if err := a.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := told()["nas"]; got != " gone " {
		t.Errorf("the address is not allowed any more: %q", got)
	}
	a.storage.Replace("mdns", []prober.Target{found("nas", "")})
	a.polling.reconcile()
	if diff := cmp.Diff(map[string]string{"nas": "", "tv": " gone "}, told()); diff != "" {
		t.Errorf("back (-want +got):\n%s", diff)
	}
}
