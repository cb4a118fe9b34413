package app

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestHeartbeatURLIsASecret: whoever knows it may use it, so no error, log line or other
// server has it.
func TestHeartbeatURLIsASecret(t *testing.T) {
	var referers []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		referers = append(referers, r.Referer())
	}))
	defer other.Close()
	moved := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	defer moved.Close()
	looping := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.String(), http.StatusFound) }))
	defer looping.Close()
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer slow.Close()
	missing := httptest.NewServer(http.NotFoundHandler())
	defer missing.Close()
	for at, fails := range map[string]bool{
		moved.URL: false, looping.URL: true, slow.URL: true, missing.URL: true, "http://127.0.0.1:1": true, "http://nowhere.invalid": true, "http://[::1": true, "gopher://x": true,
	} {
		var log strings.Builder
		h := heartbeat{log: slog.New(slog.NewTextHandler(&log, nil)), ready: func() error { return nil }}
		client := heartbeatClient(300 * time.Millisecond)
		h.beat(t.Context(), client, at+"/ping/hunter2?key=hunter2")
		client.CloseIdleConnections()
		if (h.problem() != "") != fails || strings.Contains(h.problem()+log.String()+hostOf(at+"/ping/hunter2"), "hunter2") {
			t.Errorf("%s: problem %q, log %q", at, h.problem(), log.String())
		}
	}
	if len(referers) != 1 || referers[0] != "" {
		t.Errorf("others are told %q", referers)
	}
	h := heartbeat{log: slog.New(slog.DiscardHandler), ready: func() error { return errors.New("starting") }}
	if h.beat(t.Context(), heartbeatClient(time.Second), missing.URL); !strings.Contains(h.problem(), "starting") {
		t.Errorf("beats before it is ready: %q", h.problem())
	}
}
