package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/testport"
)

func get(t *testing.T, url string) (code int, body string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text)
}

func TestEmbedded(t *testing.T) {
	address := testport.Reserve(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, address) }()
	at := "http://" + address
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if code, _ := get(t, at+"/readyz"); code == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("not ready within 10 s")
		}
	}
	for path, want := range map[string]string{
		"/livez":          "ok",
		"/readyz?verbose": "[+]queue ok",
		"/startupz":       "ok",
		"/healthz/ready":  `{"status":200,"title":"OK"}`,
		"/healthz/queue":  `{"status":200,"title":"OK"}`,
		"/healthcheck":    `"status":"success"`,
		"/health":         `"queue:waiting":[{"observedValue":0,"observedUnit":"orders"`,
		"/metrics":        `health_check_up{check="disk"} 1`,
	} {
		if code, body := get(t, at+path); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	stop()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if code, body := get(t, at+"/readyz"); code == http.StatusServiceUnavailable {
			break // while it drains
		} else if time.Now().After(deadline) {
			t.Fatalf("readiness did not turn red: %d %s", code, body)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestQueueHasThreeAnswers(t *testing.T) {
	var s shop
	for waiting, want := range map[int64]health.Outcome{0: health.Pass, 11: health.Warn, 101: health.Fail} {
		s.waiting.Store(waiting)
		c, err := health.New(health.Check{Name: "queue", Run: s.queue})
		if err != nil {
			t.Fatal(err)
		}
		if one, _ := c.CheckOne(t.Context(), "queue"); one.Result.Outcome != want {
			t.Errorf("%d waiting: %v", waiting, one.Result.Outcome)
		}
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
