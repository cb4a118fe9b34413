package health_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

func ping(context.Context) error { return nil }

// Liveness, readiness and a report in three lines of a main function.
func Example() {
	checker, err := health.New(health.Check{Name: "database", Run: ping, Remote: true})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/livez", &health.Group{Checker: checker, Group: health.Live})
	mux.Handle("/readyz", &health.Group{Checker: checker, Group: health.Ready})
	mux.Handle("/health", &health.ReportHandler{Checker: checker})

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz?verbose", nil))
	fmt.Print(w.Body)
	// Output:
	// [+]database ok
	// readyz check passed
}

func ExampleServe() {
	checker, err := health.New(health.Check{Name: "ping", Run: ping})
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/readyz", &health.Group{Checker: checker, Group: health.Ready})

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server := &http.Server{Addr: "localhost:0", ReadHeaderTimeout: 5 * time.Second}
	stop() // as if SIGTERM had come: readiness turns red, and the server ends
	if err := health.Serve(ctx, server, checker, -1); err != nil {
		log.Fatal(err)
	}
	fmt.Println(checker.Draining())
	// Output: true
}

func ExampleWarning() {
	checker, err := health.New(health.Check{Name: "disk", Run: func(ctx context.Context) error {
		free := 7 // percent
		health.Observe(ctx, "free", free, "percent")
		switch {
		case free < 2:
			return errors.New("the disk is full")
		case free < 10:
			return health.Warning(fmt.Errorf("only %d%% free", free))
		}
		return nil
	}})
	if err != nil {
		log.Fatal(err)
	}
	status, _ := checker.CheckOne(context.Background(), "disk")
	fmt.Println(status.Result.Outcome, status.Result.Output)
	// Output: warn only 7% free
}

func ExampleChecker_Listen() {
	checker, err := health.New(health.Check{Name: "queue", Run: func(context.Context) error { return errors.New("full") }})
	if err != nil {
		log.Fatal(err)
	}
	told := make(chan string, 1)
	checker.Listen(func(e health.Event) {
		if e.Changed() {
			told <- fmt.Sprintf("%s: %s → %s: %s", e.Status.Check.Name, e.Before, e.Status.State.Verdict, e.Status.Result.Text())
		}
	})
	checker.Refresh()
	fmt.Println(<-told)
	// Output: queue: unknown → degraded: full
}

func ExampleState_Next() {
	var s health.State
	for _, o := range []health.Outcome{health.Pass, health.Pass, health.Fail, health.Fail, health.Pass, health.Pass} {
		s = s.Next(o, health.Thresholds{Healthy: 2, Unhealthy: 2})
		fmt.Print(s.Verdict, " ")
	}
	// Output: unknown healthy degraded unhealthy unhealthy healthy
}

func ExampleReport_Answer() {
	handler := func(w http.ResponseWriter, _ *http.Request) {
		r := health.Report{Status: health.Pass, Version: "1", Description: health.DescriptionFor("shop")}
		r.Observe("database", "responseTime", health.Measurement{ObservedValue: 12, ObservedUnit: "ms", Status: health.Warn})
		if err := r.Answer(w, time.Second); err != nil {
			log.Print(err)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(handler))
	defer server.Close()
	resp, err := http.Get(server.URL)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.StatusCode, string(body))
	// Output: 200 {"status":"warn","version":"1","description":"health of shop service","checks":{"database:responseTime":[{"observedValue":12,"observedUnit":"ms","status":"warn"}]}}
}
