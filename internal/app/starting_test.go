//go:build unix

package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/health-exporter/health_exporter/internal/testport"
)

// slowly starts an exporter whose configuration comes through a pipe: it is not there
// before somebody writes it.
func slowly(t *testing.T) (r *running, pipe string, made chan error) {
	t.Helper()
	pipe, address := filepath.Join(t.TempDir(), "pipe"), testport.Reserve(t)
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	r, made = &running{t: t, url: "http://" + address, ended: make(chan error, 1)}, make(chan error, 1)
	go func() {
		a, err := New(Options{ConfigFile: pipe, StoragePath: t.TempDir(), Web: webFlags(address), Log: slog.New(slog.DiscardHandler)})
		r.App = a
		made <- err
	}()
	r.eventually("listening", func() bool { code, _ := r.get("/livez"); return code == http.StatusOK })
	return r, pipe, made
}

// TestAnswersWhileItStarts: that it lives and is not ready, and nothing else.
func TestAnswersWhileItStarts(t *testing.T) {
	r, pipe, made := slowly(t)
	for path, want := range map[string]struct {
		code       int
		text, kind string
	}{
		"/livez":             {200, "ok", "text/plain; charset=utf-8"},
		"/-/healthy":         {200, "Healthy", "text/plain; charset=utf-8"},
		"/readyz":            {503, "starting", "text/plain; charset=utf-8"},
		"/startupz":          {503, "starting", "text/plain; charset=utf-8"},
		"/-/ready":           {503, "starting", "text/plain; charset=utf-8"},
		"/metrics":           {503, "starting", "application/problem+json"}, // else all targets would seem unregistered
		"/":                  {503, "starting", "application/problem+json"},
		"/api/v1/targets":    {503, "starting", "application/problem+json"},
		"/probe?target=nas":  {503, "starting", "application/problem+json"},
		"/targets/nas":       {503, "starting", "application/problem+json"},
		"/debug/pprof/":      {503, "starting", "application/problem+json"},
		"/no/such/page/here": {503, "starting", "application/problem+json"},
	} {
		resp, err := http.Get(r.url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want.code || !strings.Contains(string(body), want.text) || want.kind != "" && resp.Header.Get("Content-Type") != want.kind {
			t.Errorf("%s: %d %v %.200s", path, resp.StatusCode, resp.Header, body)
		}
		if again := resp.Header.Get("Retry-After"); (again != "") != (want.code == 503) {
			t.Errorf("%s: Retry-After: %q", path, again)
		}
	}
	write(t, pipe, "targets: [{app: nas, url: 'http://127.0.0.1:1'}]\n")
	if err := <-made; err != nil {
		t.Fatal(err)
	}
	if code, body := r.get("/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("loaded, but not begun: %d %s", code, body)
	}
	ctx, stop := context.WithCancelCause(context.Background())
	r.stop = stop
	go func() { r.ended <- r.Run(ctx) }()
	defer r.end()
	r.eventually("ready", func() bool { code, _ := r.get("/readyz"); return code == http.StatusOK })
	if code, body := r.get("/api/v1/targets/nas"); code != http.StatusOK {
		t.Errorf("%d %s", code, body)
	}
}

// TestConfigurationThatIsBadEndsTheStart, and what has listened meanwhile.
func TestConfigurationThatIsBadEndsTheStart(t *testing.T) {
	r, pipe, made := slowly(t)
	silent, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	write(t, pipe, "targets: [{app: nas, url: 'http://127.0.0.1:1', intervall: 3}]\n")
	if err := <-made; err == nil || !strings.Contains(err.Error(), `did you mean "interval"?`) {
		t.Errorf("the error is %v", err)
	}
	again, err := net.Listen("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatalf("the port is still taken: %v", err)
	}
	again.Close()
	http.DefaultClient.CloseIdleConnections()
}

// A file that is loaded at once is judged before anybody is told of the port.
func TestConfigurationComesBeforeThePort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "a.yml")
	opts := Options{ConfigFile: file, StoragePath: filepath.Join(t.TempDir(), "data"), Web: webFlags(taken.Addr().String()), Log: slog.New(slog.DiscardHandler)}
	write(t, file, "target: []\n")
	if _, err := New(opts); err == nil || !strings.Contains(err.Error(), "unknown key") {
		t.Errorf("the error is %v", err)
	}
	write(t, file, "targets: []\n")
	if _, err := New(opts); err == nil || !strings.Contains(err.Error(), "the port is taken") {
		t.Errorf("the error is %v", err)
	}
	if _, err := os.Stat(opts.StoragePath); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the storage was touched: %v", err)
	}
}
