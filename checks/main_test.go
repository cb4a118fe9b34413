package checks_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/health-exporter/health_exporter/health"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// runWithin runs a check once as a Checker does.
func runWithin(t *testing.T, timeout time.Duration, run func(context.Context) error) health.Result {
	t.Helper()
	checker, err := health.New(health.Check{Name: "it", Run: run, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	status, ok := checker.RunNow(t.Context(), "it")
	if !ok {
		t.Fatal("the check is not there")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := checker.Close(ctx); err != nil {
		t.Error(err)
	}
	return status.Result
}

func run(t *testing.T, run func(context.Context) error) health.Result {
	t.Helper()
	return runWithin(t, 10*time.Second, run)
}

// want compares the outcome and what was said.
func want(t *testing.T, got health.Result, outcome health.Outcome, output string) {
	t.Helper()
	if got.Outcome != outcome || got.Output != output {
		t.Errorf("got %s %q (%v)\nwant %s %q", got.Outcome, got.Output, got.Err, outcome, output)
	}
}

// observed is the value of an observation.
func observed(t *testing.T, r health.Result, name string) any {
	t.Helper()
	for _, o := range r.Observations {
		if o.Name == name {
			return o.ObservedValue
		}
	}
	t.Errorf("no observation %q in %v", name, r.Observations)
	return nil
}
