package client

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"go.uber.org/goleak"

	"github.com/health-exporter/health_exporter/internal/app"
	"github.com/health-exporter/health_exporter/internal/testport"
	"github.com/health-exporter/health_exporter/prober"
)

// The library that announces leaves a goroutine for some seconds.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/grandcat/zeroconf.(*Server).probe"))
}

// exporter runs a whole exporter that keeps its targets in memory, until stop.
func exporter(t *testing.T, address string) (stop func()) {
	t.Helper()
	a, err := app.New(app.Options{
		Web: &web.FlagConfig{WebListenAddresses: &[]string{address}, WebSystemdSocket: new(bool), WebConfigFile: new(string)},
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	stopped := false
	stop = func() {
		http.DefaultClient.CloseIdleConnections()
		if !stopped {
			stopped = true
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	eventually(t, "listening", func() bool {
		resp, err := http.Get("http://" + address + "/-/ready")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil && resp.StatusCode == http.StatusOK
	})
	return stop
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not %s within 20 s", what)
		}
	}
}

func TestRegisterAndStop(t *testing.T) { // S1.7, S1.22
	address := testport.Reserve(t)
	exporter(t, address)
	t.Setenv(URLVariable, "http://"+address)
	delay := 300 * time.Second
	reg, err := Register(t.Context(), App{
		Name: "Sample HealthChecker.Server App", URL: "http://127.0.0.1:1/base", Email: "me@example.org", Interval: 60 * time.Second,
		Timeout: 3 * time.Second, Unhealthy: 3, Healthy: 4, InitialDelay: &delay, Group: "home", Labels: map[string]string{"room": "attic"},
	})
	if err != nil {
		t.Fatal(err)
	}
	info, err := reg.Info(t.Context())
	if err != nil || info.State != "UNKNOWN" || info.HealthURL != "http://127.0.0.1:1/base/health" || info.Source != "api" {
		t.Errorf("%+v %v", info, err)
	}
	if info, err = reg.Pause(t.Context()); err != nil || !info.Paused {
		t.Errorf("pause: %+v %v", info, err)
	}
	if info, err = reg.Resume(t.Context()); err != nil || info.Paused {
		t.Errorf("resume: %+v %v", info, err)
	}
	list, err := new(Client).Targets(t.Context())
	if err != nil || len(list) != 1 || list[0].App != "Sample HealthChecker.Server App" {
		t.Errorf("%+v %v", list, err)
	}
	began := time.Now()
	if err := reg.Stop(t.Context()); err != nil || time.Since(began) > time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
	if _, err := reg.Info(t.Context()); !gone(err) {
		t.Errorf("after Stop: %v", err)
	}
	if err := reg.Stop(t.Context()); err != nil {
		t.Errorf("a second Stop: %v", err)
	}
}

func TestExporterLosesIt(t *testing.T) {
	address := testport.Reserve(t)
	stop := exporter(t, address)
	c := &Client{Exporter: "http://" + address, Recheck: 20 * time.Millisecond}
	reg, err := c.Register(t.Context(), App{Name: "a", URL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	stop()
	eventually(t, "aware that the exporter is gone", func() bool { return reg.Err() != nil })
	exporter(t, address) // it knows nothing of us
	eventually(t, "registered again", func() bool {
		_, err := c.Target(t.Context(), "a")
		return err == nil && reg.Err() == nil
	})
	if _, err := reg.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // several rechecks
	if info, err := reg.Info(t.Context()); err != nil || !info.Paused {
		t.Errorf("looking after the registration has resumed it: %+v %v", info, err)
	}
	if err := reg.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestStopWithoutExporter(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	reg, err := (&Client{Exporter: "http://" + silent.Addr().String()}).Register(ctx, App{Name: "a", URL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := reg.Stop(context.Background()); err != nil || time.Since(began) > 1500*time.Millisecond {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}

func TestRefusals(t *testing.T) {
	address := testport.Reserve(t)
	exporter(t, address)
	c := &Client{Exporter: "http://" + address}
	_, err := c.Register(t.Context(), App{Name: "a", URL: "http://169.254.169.254/", Email: "nonsense"})
	refused, ok := errors.AsType[*Refusal](err)
	if !ok || refused.Status != 400 || len(refused.Faults) != 2 || !strings.Contains(err.Error(), "email: ") || !strings.Contains(err.Error(), "url: ") {
		t.Errorf("%v", err)
	}
	if _, err := c.Target(t.Context(), "nobody/else?"); !gone(err) {
		t.Errorf("%v", err)
	}
}

func TestValidate(t *testing.T) { // S1.8 to S1.11
	second := 1500 * time.Millisecond
	long := 301 * time.Second
	for _, test := range []struct {
		name string
		app  App
		want []string
	}{
		{"good", App{Name: "a", URL: "http://h"}, nil},
		{"empty", App{}, []string{"Name is required", "URL is required"}},
		{"all at once", App{
			Name: "a\x00", URL: "ftp://x", Interval: 4 * time.Second, Timeout: 61 * time.Second, Unhealthy: 1, Healthy: 11, InitialDelay: &long,
		}, []string{"Name ", "not an absolute URL", "Interval is 4s, must be between 5s and 5m0s", "Timeout is 1m1s", "Unhealthy is 1, must be between 2 and 10", "Healthy is 11", "InitialDelay is 5m1s"}},
		{"parts of seconds", App{Name: "a", URL: "http://h", InitialDelay: &second}, []string{"whole seconds"}},
		{"password", App{Name: "a", URL: "http://u:p@h"}, []string{"user or password"}},
		{"fragment", App{Name: "a", URL: "http://h/#x"}, []string{"fragment"}},
		{"long name", App{Name: strings.Repeat("a", 129), URL: "http://h"}, []string{"129 characters"}},
	} {
		err := test.app.Validate()
		if (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v", test.name, err)
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in %q", test.name, want, err)
			}
		}
	}
	if _, err := Register(t.Context(), App{}); err == nil {
		t.Error("an empty App is registered")
	}
}

func TestRangesAreTheExporters(t *testing.T) {
	want := prober.RegistrationLimits()
	if want.MinInterval != minInterval || want.MaxInterval != maxInterval || want.MinTimeout != minTimeout ||
		want.MaxTimeout != maxTimeout || want.MinThreshold != minThreshold || want.MaxThreshold != maxThreshold ||
		want.MaxInitialDelay != maxInitialDelay {
		t.Errorf("the exporter has %+v", want)
	}
}

func TestAddresses(t *testing.T) { // S1.21
	if ip := OutboundIP(); !ip.IsValid() || ip.IsUnspecified() {
		t.Error(ip)
	}
	port, err := FreePort()
	if err != nil || port < 1024 {
		t.Error(port, err)
	}
	own, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	if got := URLOf(own); got != "http://"+own.Addr().String() {
		t.Error(got)
	}
	all, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	if got := URLOf(all); !strings.Contains(got, OutboundIP().String()) || strings.Contains(got, "::]") {
		t.Error(got)
	}
}
