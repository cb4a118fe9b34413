package health

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRedact(t *testing.T) {
	clean := func(s string) string { return strings.ReplaceAll(s, "hunter2", "********") }
	var log bytes.Buffer
	c := closing(t, &Checker{Redact: clean, Log: slog.New(slog.NewTextHandler(&log, nil))},
		Check{Name: "error", Run: func(context.Context) error { return errors.New("u:hunter2@db refused") }},
		Check{Name: "object", Run: func(ctx context.Context) error {
			Say(ctx, map[string]any{"dsn": []string{"hunter2"}})
			Observe(ctx, "password", "hunter2", "")
			return nil
		}})
	for _, s := range c.Check(t.Context(), "") {
		if text := fmt.Sprint(s.Result.Output, s.Result.Err, s.Result.Observations); strings.Contains(text, "hunter2") || !strings.Contains(text, "***") {
			t.Errorf("%s", text)
		}
	}
	_ = c.Close(t.Context()) // waits for what is being logged
	if strings.Contains(log.String(), "hunter2") {
		t.Errorf("log: %s", log.String())
	}
}

func TestFailuresAreLogged(t *testing.T) { // S0.28
	for _, mute := range []bool{false, true} {
		var log bytes.Buffer
		c := closing(t, &Checker{MuteFailures: mute, Log: slog.New(slog.NewTextHandler(&log, nil))}, Check{Name: "db", Run: fail})
		c.CheckOne(t.Context(), "db")
		c.CheckOne(t.Context(), "db") // from the cache, and not logged again
		c.RunNow(t.Context(), "db")   // nothing new
		_ = c.Close(t.Context())      // waits for what is being logged
		want := `Health check \"db\" failed with output \"broken\"`
		if got := strings.Count(log.String(), want); mute && got != 0 || !mute && got != 1 {
			t.Errorf("muted %v: %d times in %s", mute, got, log.String())
		}
	}
}

func TestListeners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := closing(t, &Checker{}, Check{Name: "x", Run: fail, PassTTL: -1, FailTTL: -1})
		block := make(chan struct{})
		stuck := c.Listen(func(Event) { <-block })
		c.Listen(func(Event) { panic("a bad listener") })
		var verdicts []string
		changes := 0
		c.Listen(func(e Event) {
			verdicts = append(verdicts, e.Status.State.Verdict.String())
			if e.Changed() {
				changes++
			}
		})
		began := time.Now()
		for range 1000 {
			c.CheckOne(t.Context(), "x")
			synctest.Wait()
		}
		if time.Since(began) != 0 {
			t.Errorf("a listener that blocks delays the checks: %s", time.Since(began))
		}
		if stuck.Dropped() == 0 {
			t.Error("nothing was dropped for a listener that blocks")
		}
		if len(verdicts) != 1000 || verdicts[0] != "degraded" || verdicts[1] != "unhealthy" || changes != 2 {
			t.Errorf("%d events, %d changes, first %q", len(verdicts), changes, verdicts[:2])
		}
		close(block)
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := &Checker{}
		if err := c.Add(Check{Name: "minds", Run: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }},
			Check{Name: "hangs", Run: func(context.Context) error { <-release; return nil }}); err != nil {
			t.Fatal(err)
		}
		c.Refresh()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := c.Close(ctx); err == nil || !strings.Contains(err.Error(), `["hangs"]`) {
			t.Errorf("%v", err)
		}
		for _, s := range c.Snapshot() {
			if s.Result.Reason != FailPending {
				t.Errorf("%s: %q: the end of the program is taken for a failure", s.Check.Name, s.Result.Reason)
			}
		}
		if s, _ := c.CheckOne(t.Context(), "minds"); s.Result.Reason != FailPending {
			t.Errorf("a closed Checker runs checks: %v", s.Result)
		}
		close(release)
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
