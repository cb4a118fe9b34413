package app

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/prober"
)

func TestICMPNotPermitted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yml")
	write(t, file, "targets: [{app: router, address: 127.0.0.1, module: icmp, interval: 1s}]")
	r := start(t, Options{ConfigFile: file})
	denied := *r.polling.rules.Load()
	denied.unavailable = map[prober.Kind]error{"icmp": errors.New("not permitted: do this")}
	r.polling.rules.Store(&denied)
	r.polling.reconcile()
	if _, body := r.get("/api/v1/targets/router"); !strings.Contains(body, `"state":"UNKNOWN"`) || !strings.Contains(body, "do this") {
		t.Errorf("%s", body)
	}
	if _, page := r.get("/metrics"); !strings.Contains(page, `health_target_state{target="router",state="unknown"} 1`) {
		t.Error("the target is not unknown on /metrics")
	}
}

// What the operator wants probed and cannot be is worth a warning.
func TestUnavailableKinds(t *testing.T) {
	for text, want := range map[string]string{
		"targets: [{app: router, address: 127.0.0.1, module: icmp}]":              "level=WARN",
		"targets: [{app: router, address: \"127.0.0.1:1\", module: tcp_connect}]": "level=INFO",
	} {
		file := filepath.Join(t.TempDir(), "c.yml")
		write(t, file, text)
		cfg, _, err := loadConfig(file, "")
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		p := &polling{log: slog.New(slog.NewTextHandler(&log, nil))}
		why := p.checkKinds(cfg, func(kind prober.Kind) error {
			if kind == "icmp" {
				return errors.New("not permitted")
			}
			return nil
		})
		if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, want) || !strings.Contains(got, "kind=icmp") {
			t.Errorf("%s: logged %s, want one line with %s", text, got, want)
		}
		if len(why) != 1 || why["icmp"] == nil {
			t.Errorf("unavailable are %v", why)
		}
	}
}

func TestWarningsAreLogged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yml")
	write(t, file, "modules:\n  m:\n    prober: dns\n    dns:\n      query_name: example.org\n      valid_rcodes: [NXDOMIAN]\n")
	var log bytes.Buffer
	cfg, _, err := loadConfig(file, "")
	if err != nil {
		t.Fatal(err)
	}
	a := &App{log: slog.New(slog.NewTextHandler(&log, nil)), storage: newStorage(&Options{Log: slog.New(slog.DiscardHandler)}, newChronicle())}
	if err := a.storage.open(cfg); err != nil {
		t.Fatal(err)
	}
	defer a.storage.close()
	a.warn(cfg)
	for _, want := range []string{"line=6", "at=modules.m.dns.valid_rcodes", "NXDOMIAN", file} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %s in %s", want, log.String())
		}
	}
}

func TestDurationsPerModule(t *testing.T) {
	site, _ := switchable(t)
	r := start(t, Options{NativeHistograms: true})
	if code, body := r.get("/probe?module=http_2xx&target=" + url.QueryEscape(site)); code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	r.post("/api/v1/targets", `{"app":"a","url":"`+site+`"}`)
	r.post("/api/v1/targets/a/probe", "")
	_, page := r.get("/metrics")
	for _, want := range []string{`probe_http_duration_count{module="http_2xx"} 1`, `probe_http_duration_count{module="health"} 1`} {
		if !strings.Contains(page, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}

// TestProbeDurations: what is scheduled is in the histogram, what /probe is asked is
// not, and a module that a reload takes away leaves nothing.
func TestProbeDurations(t *testing.T) {
	site, _ := switchable(t)
	file := filepath.Join(t.TempDir(), "c.yml")
	write(t, file, "modules: {mine: {prober: http}}")
	r := start(t, Options{ConfigFile: file})
	if code, body := r.get("/probe?module=mine&target=" + url.QueryEscape(site)); code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	const name = "health_probe_duration_seconds"
	if _, page := r.get("/metrics"); strings.Contains(page, name) {
		t.Error("an ad-hoc probe is in the histogram")
	}
	for app, module := range map[string]string{"a": "mine", "b": "health"} {
		r.post("/api/v1/targets", `{"app":"`+app+`","url":"`+site+`","module":"`+module+`"}`)
		r.post("/api/v1/targets/"+app+"/probe", "")
	}
	_, page := r.get("/metrics")
	for _, want := range []string{name + `_count{module="mine",result="pass"} 1`, name + `_bucket{module="health",result="pass",le="60"} 1`} {
		if !strings.Contains(page, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	write(t, file, "modules: {}")
	if code, body := r.post("/-/reload", ""); code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	_, page = r.get("/metrics")
	if strings.Contains(page, name+`_count{module="mine"`) || !strings.Contains(page, name+`_count{module="health"`) {
		t.Error("the module that was taken away is still in the histogram, or the other one is not")
	}
}
