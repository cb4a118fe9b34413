package restarts

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
)

// TestKilledWhileRegistering kills the exporter in the middle of many changes, again
// and again. What it has acknowledged must be there when it is back.
func TestKilledWhileRegistering(t *testing.T) {
	t.Parallel()
	e := harness.StartExporter(t, "")
	acknowledged := map[string]bool{} // by app: whether it is registered
	const rounds, clients = 4, 8
	for round := range rounds {
		killAfter := int64(40 + 60*round)
		maps.Copy(acknowledged, changeUntilKilled(t, e, round, clients, killAfter))
		e.Start(t)
		known := e.Apps(t)
		lost, returned := 0, 0
		for app, registered := range acknowledged {
			switch {
			case registered && !known[app]:
				lost++
			case !registered && known[app]:
				returned++
			}
		}
		t.Logf("round %d: %d changes acknowledged so far, %d targets", round, len(acknowledged), len(known))
		if lost > 0 || returned > 0 {
			t.Fatalf("round %d: of %d acknowledged changes, %d registrations were lost and %d removed targets came back",
				round, len(acknowledged), lost, returned)
		}
	}
}

// changeUntilKilled has clients register targets, and remove every fifth again,
// until the exporter is killed. It returns the targets of which is known whether
// they are registered.
func changeUntilKilled(t *testing.T, e *harness.Exporter, round, clients int, killAfter int64) map[string]bool {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), harness.StartLimit)
	defer stop()
	var (
		acknowledged atomic.Int64
		mu           sync.Mutex
		known        = map[string]bool{} // guarded by mu
		work         sync.WaitGroup
	)
	enough := make(chan struct{})
	note := func(app string, registered bool) {
		mu.Lock()
		known[app] = registered
		mu.Unlock()
		if acknowledged.Add(1) == killAfter {
			close(enough)
		}
	}
	for client := range clients {
		work.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				app := fmt.Sprintf("app %d.%d.%d", round, client, n)
				status, err := e.Call(http.MethodPost, "/api/v1/targets", harness.Registration(app, "http://127.0.0.1:9", ""), nil)
				if err != nil {
					if status != 0 {
						t.Errorf("registering %s: %v", app, err)
					}
					return // killed
				}
				note(app, true)
				if n%5 != 0 {
					continue
				}
				mu.Lock()
				delete(known, app) // whether it is there is not known until the answer
				mu.Unlock()
				if _, err := e.Call(http.MethodDelete, harness.TargetPath(app), nil, nil); err != nil {
					return
				}
				note(app, false)
			}
		})
	}
	select {
	case <-enough:
	case <-ctx.Done():
		t.Errorf("only %d changes were acknowledged in %v", acknowledged.Load(), harness.StartLimit)
	}
	e.Kill()
	work.Wait()
	return known
}
