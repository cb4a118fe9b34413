package checks_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/checks"
	"github.com/health-exporter/health_exporter/health"
)

// part is a check that ends as told: with nil, an error, or (hangs) with ctx.
func part(name string, err error) checks.Part {
	return checks.Part{Name: name, Run: func(ctx context.Context) error {
		health.Say(ctx, "what a part says is lost")
		health.Observe(ctx, name, 1, "")
		return err
	}}
}

func hangs(name string) checks.Part {
	return checks.Part{Name: name, Run: func(ctx context.Context) error {
		<-ctx.Done()
		return context.Cause(ctx)
	}}
}

func TestComposite(t *testing.T) {
	bad, meh := errors.New("down"), health.Warning(errors.New("slow"))
	a, b, c := part("a", nil), part("b", bad), part("c", meh)
	panics := checks.Part{Name: "p", Run: func(context.Context) error { panic("ouch") }}
	ends := checks.Part{Name: "e", Run: func(context.Context) error { runtime.Goexit(); return nil }}
	tests := []struct {
		name    string
		check   checks.Composite
		outcome health.Outcome
		output  string
	}{
		{"all pass", checks.All(a, part("d", nil)), health.Pass, "2 of 2 pass, 2 must"},
		{"all but one", checks.All(a, b), health.Fail, "1 of 2 pass, 2 must; b: down"},
		{"all with a warning", checks.All(a, c), health.Warn, "2 of 2 pass, 2 must; c: slow"},
		{"any", checks.Any(b, a), health.Pass, "1 of 2 pass, 1 must; b: down"},
		{"any with a warning", checks.Any(b, c), health.Warn, "1 of 2 pass, 1 must; b: down; c: slow"},
		{"none of any", checks.Any(b, panics), health.Fail, "0 of 2 pass, 1 must; b: down; p: panic: ouch"},
		{"goexit", checks.All(a, ends), health.Fail, "1 of 2 pass, 2 must; e: the part ended its goroutine"},
		{"quorum", checks.Quorum(a, b, c), health.Warn, "2 of 3 pass, 2 must; b: down; c: slow"},
		{"no quorum", checks.Quorum(a, b, part("d", bad), part("e", nil)), health.Fail, "2 of 4 pass, 3 must; b: down; d: down"},
		{"number", checks.Composite{Need: 1, Parts: []checks.Part{a}}, health.Pass, "1 of 1 pass, 1 must"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { want(t, run(t, tt.check.Run), tt.outcome, tt.output) })
	}
}

// TestCompositeHang: a part that hangs delays nothing that does not need it, and
// otherwise leaves time to tell who failed.
func TestCompositeHang(t *testing.T) {
	began := time.Now()
	got := run(t, checks.Any(hangs("h"), part("a", nil)).Run)
	want(t, got, health.Pass, "1 of 2 pass, 1 must")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	got = runWithin(t, time.Second, checks.All(hangs("h"), part("a", nil)).Run)
	want(t, got, health.Fail, "1 of 2 pass, 2 must; h: context deadline exceeded")
}
