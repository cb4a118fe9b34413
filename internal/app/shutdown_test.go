package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/registry"
)

// hanging is a server that takes connections and never answers.
func hanging(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
		}
	}()
	return l.Addr().String()
}

// TestEndsInTime: whatever is under way, the program ends within five seconds, and
// nothing of it is lost: states are kept, and a mail that nobody has confirmed is sent
// again as the same mail.
func TestEndsInTime(t *testing.T) {
	dir := t.TempDir()
	box, silent := newFakeMailServer(t), hanging(t)
	box.hold()
	url, broken := switchable(t)
	file := filepath.Join(dir, "c.yml")
	write(t, file, fmt.Sprintf(`
checks:
- {name: stuck, kind: exec, command: [sleep, "60"], interval: 1m, timeout: 50s}
targets:
- {app: nas, url: %q, interval: 1s, unhealthy: 1, healthy: 1}
- {app: silent, url: "http://%s", interval: 1m, timeout: 30s}
alerting:
  heartbeat: {url: "http://%s/"}
  email: {smarthost: %q, from: a@example.org, to: [b@example.org], tls: none, wait: 0s, interval: 0s}
`, url, silent, silent, box.address))
	r := start(t, Options{ConfigFile: file, StoragePath: filepath.Join(dir, "data")})
	r.eventually("healthy", func() bool { return r.state("nas") == "HEALTHY" })
	broken.Store(true)
	r.eventually("being mailed", func() bool { return box.received() != "" })
	broken.Store(false) // there is more to tell now than the mail under way does
	r.eventually("healthy again", func() bool { return r.state("nas") == "HEALTHY" })
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		if resp, err := http.Get(r.url + "/probe?module=http_2xx&target=" + silent); err == nil {
			resp.Body.Close()
		}
	}()
	time.Sleep(100 * time.Millisecond)
	began := time.Now()
	r.end()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s to end", took)
	}
	<-asked
	id := regexp.MustCompile(`(?m)^Message-ID: .*$`)
	first := id.FindString(box.received())
	box.release()
	if saved := savedVerdict(t, filepath.Join(dir, "data"), "nas"); saved != health.Healthy {
		t.Errorf("kept the state %s", saved)
	}

	again := start(t, Options{ConfigFile: file, StoragePath: filepath.Join(dir, "data")})
	again.eventually("mailed", func() bool { return len(id.FindAllString(box.received(), -1)) > 1 })
	if all := id.FindAllString(box.received(), -1); first == "" || all[1] != first {
		t.Errorf("the mails are %q, want the same one twice", all)
	}
	again.end()
}

// TestStatesAreSavedFirst: they are on disk before anything is waited for.
func TestStatesAreSavedFirst(t *testing.T) {
	dir := t.TempDir()
	url, _ := switchable(t)
	file := filepath.Join(dir, "c.yml")
	write(t, file, fmt.Sprintf(`targets: [{app: nas, url: %q, interval: 1h, healthy: 9}]`, url))
	r := start(t, Options{ConfigFile: file, DrainDelay: 3 * time.Second})
	r.eventually("probed", func() bool {
		_, ok := r.polling.scheduler.Status("nas")
		return ok && r.polling.scheduler.Snapshot()[0].Probed
	})
	before := r.storage.Saved("nas")
	r.stop(errors.New("SIGTERM"))
	r.eventually("saved while it drains", func() bool { s := r.storage.Saved("nas"); return s != nil && s != before && r.serving.ready() != nil })
	if code, _ := r.get("/-/healthy"); code != http.StatusOK {
		t.Errorf("%d: it does not serve any more, so this proves nothing", code)
	}
}

// TestSomethingDoesNotEnd: what cannot be ended, such as a read from a disk that is
// gone, does not keep the program from ending, and the states are saved.
func TestSomethingDoesNotEnd(t *testing.T) {
	a, err := New(Options{Web: webFlags("127.0.0.1:0"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	working, stop := context.WithCancelCause(t.Context())
	a.parts.begin(working, &work)
	stuck := make(chan struct{})
	work.Go(func() { <-stuck })
	began := time.Now()
	if err := a.shutDown(t.Context(), errors.New("first"), stop, &work); err == nil || err.Error() != "first" {
		t.Errorf("it ended with %v", err)
	}
	if took := time.Since(began); took < shutdownTimeout || took > 5*time.Second {
		t.Errorf("it took %s to end", took)
	}
	close(stuck)
}

// savedVerdict is the state of a target in a storage directory that nobody uses.
func savedVerdict(t *testing.T, dir, app string) health.Verdict {
	t.Helper()
	r, err := registry.Open(registry.Options{Path: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if saved := r.Saved(app); saved != nil {
		return saved.State.Verdict
	}
	return health.Unknown
}
