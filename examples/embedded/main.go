// Command embedded is a web service that watches itself: a few checks, the health
// endpoints that people expect, and metrics of both on the service's own registry.
//
//	go run ./examples/embedded
//	curl localhost:8080/readyz?verbose
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/health"
)

func main() {
	listen := flag.String("listen", "localhost:8080", "address to listen on")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *listen); err != nil {
		fmt.Fprintln(os.Stderr, "embedded:", err)
		os.Exit(1)
	}
}

// shop is what the service is about; its queue may fill up.
type shop struct{ waiting atomic.Int64 }

// queue is a check that knows three answers.
func (s *shop) queue(ctx context.Context) error {
	n := s.waiting.Load()
	health.Observe(ctx, "waiting", n, "orders")
	switch {
	case n > 100:
		return fmt.Errorf("%d orders are waiting", n)
	case n > 10:
		return health.Warning(fmt.Errorf("%d orders are waiting", n))
	}
	return nil
}

func run(ctx context.Context, listen string) error {
	var s shop
	checker := &health.Checker{Log: slog.Default()}
	err := checker.Add(
		// On demand: run when somebody asks and the last answer is too old.
		health.Check{Name: "queue", Run: s.queue},
		// In the background: its result is there already when somebody asks.
		health.Check{Name: "disk", Run: writable(os.TempDir()), Interval: 30 * time.Second, Groups: []string{health.Ready, health.Live}},
	)
	if err != nil {
		return err
	}
	server := &http.Server{Addr: listen, Handler: routes(&s, checker), ReadHeaderTimeout: 5 * time.Second}
	return health.Serve(ctx, server, checker, time.Second)
}

func routes(s *shop, checker *health.Checker) http.Handler {
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collector.NewChecks(checker))

	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", func(http.ResponseWriter, *http.Request) { s.waiting.Add(1) })
	mux.Handle("/livez", &health.Group{Checker: checker, Group: health.Live})
	mux.Handle("/readyz", &health.Group{Checker: checker, Group: health.Ready, Details: local})
	mux.Handle("/startupz", &health.Group{Checker: checker, Group: health.Startup})
	mux.Handle("/healthz/{name}", &health.Healthz{Checker: checker, Details: local})
	mux.Handle("/healthcheck", &health.Healthcheck{Checker: checker, Details: local})
	mux.Handle("/health", &health.ReportHandler{Checker: checker, Details: local, About: health.Report{
		Version: "1", Description: health.DescriptionFor("shop"),
	}})
	mux.Handle("/metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	return mux
}

// local allows those who can reach this service anyhow to see details. Behind a
// reverse proxy that serves strangers this would have to be another rule.
func local(*http.Request) bool { return true }

// writable makes a check that a file can be written into a directory.
func writable(dir string) func(context.Context) error {
	return func(context.Context) error {
		f, err := os.CreateTemp(dir, "writable")
		if err != nil {
			return err
		}
		_, err = f.WriteString("x")
		return errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
}
