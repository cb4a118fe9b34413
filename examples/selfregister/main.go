// Command selfregister is the smallest program that an exporter watches: it listens
// on a free port, tells the exporter where that is, and takes itself off when it ends.
//
//	go run ./examples/selfregister
//
// It finds an exporter in the same network by itself. One that is elsewhere, or that
// listens on loopback only, is named by HEALTH_EXPORTER_URL=http://localhost:10115.
// With -detailed it answers /health with a report of its own making in place of a
// bare 200.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/health-exporter/health_exporter/client"
	"github.com/health-exporter/health_exporter/health"
)

func main() {
	name := flag.String("name", "Sample app", "name under which the exporter knows this program")
	email := flag.String("email", "", "address that wants to know of changes")
	detailed := flag.Bool("detailed", false, "answer with a health report")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *name, *email, *detailed); err != nil {
		fmt.Fprintln(os.Stderr, "selfregister:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name, email string, detailed bool) error {
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		return err
	}
	handler := plain
	if detailed {
		handler = report(name, time.Now())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", handler)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	exporter := &client.Client{Log: slog.Default()}
	registration, err := exporter.Register(ctx, client.App{
		Name: name, URL: client.URLOf(listener), Email: email, Interval: 5 * time.Second, Healthy: 2,
	})
	if err != nil {
		server.Close()
		return err
	}
	slog.Info("listening", "url", client.URLOf(listener))

	select {
	case <-ctx.Done():
		// The program ends on purpose: nobody shall be told that it is down.
		err = registration.Stop(context.WithoutCancel(ctx))
		server.Close()
		<-served
	case err = <-served:
	}
	return err
}

// plain is all that an exporter needs: 200 means healthy.
func plain(http.ResponseWriter, *http.Request) {}

// report says more than that the program is up.
func report(name string, started time.Time) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		r := health.Report{Status: health.Pass, Version: "1", ReleaseID: "1.0.0", Description: health.DescriptionFor(name)}
		r.Observe("", "uptime", health.Measurement{
			ComponentType: "system", ObservedValue: time.Since(started).Seconds(), ObservedUnit: "s", Status: health.Pass, Time: time.Now(),
		})
		if err := r.Answer(w, time.Second); err != nil {
			slog.Warn("answering", "err", err)
		}
	}
}
