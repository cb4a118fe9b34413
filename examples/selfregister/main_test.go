package main

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/exporter-toolkit/web"

	"github.com/health-exporter/health_exporter/client"
	"github.com/health-exporter/health_exporter/internal/app"
	"github.com/health-exporter/health_exporter/internal/testport"
)

func TestBothPrograms(t *testing.T) { // S1.52
	address := testport.Reserve(t)
	exporter, err := app.New(app.Options{
		Web: &web.FlagConfig{WebListenAddresses: &[]string{address}, WebSystemdSocket: new(bool), WebConfigFile: new(string)},
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 3)
	go func() { ended <- exporter.Run(ctx) }()
	t.Setenv(client.URLVariable, "http://"+address)

	running, interrupt := context.WithCancel(t.Context())
	go func() { ended <- run(running, "plain", "me@example.org", false) }()
	go func() { ended <- run(running, "detailed", "", true) }()
	var c client.Client
	for _, app := range []string{"plain", "detailed"} {
		eventually(t, app+" registered", func() bool { _, err := c.Target(t.Context(), app); return err == nil })
		resp, err := http.Post("http://"+address+"/api/v1/targets/"+app+"/probe", "", nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%v %v", resp, err)
		}
		resp.Body.Close()
		if target, err := c.Target(t.Context(), app); err != nil || target.Up == nil || !*target.Up {
			t.Errorf("%s: %+v %v", app, target, err)
		}
	}
	interrupt()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if list, err := c.Targets(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("still there: %+v %v", list, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not %s within 20 s", what)
		}
	}
}
