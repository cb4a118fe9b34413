package restarts

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/internal/testneed"
)

// One process and a mail server are enough: what is mailed, to whom, in which thread.
func TestMailsWithoutPrometheus(t *testing.T) {
	box, app := harness.StartMailbox(t), harness.StartService(t)
	e := harness.StartExporter(t, box.MailConfig(""))
	e.MustCall(t, http.MethodPost, "/api/v1/targets", map[string]any{
		"app": "shop", "url": app.URL, "email": "me@example.org", "interval": 300, "healthy": 2,
	}, nil, http.StatusCreated)
	e.ProbeUntil(t, "shop", "HEALTHY")
	app.Set("fail")
	mails := func(n int) func() error {
		return func() error {
			if got := box.About("shop"); len(got) != n {
				return fmt.Errorf("%d mails: %v", len(got), got)
			}
			return nil
		}
	}
	e.ProbeUntil(t, "shop", "DEGRADED")
	harness.Await(t, 20*time.Second, "a mail about the first failure", mails(1))
	e.ProbeUntil(t, "shop", "UNHEALTHY")
	harness.Await(t, 20*time.Second, "a mail about the outage", mails(2))
	harness.Await(t, 20*time.Second, "the mail noted as sent", func() error {
		if !strings.Contains(e.Metrics(t), "\nhealth_notifications_queued 0\n") {
			return errors.New("a kill now would send it again, with the same Message-ID")
		}
		return nil
	})
	e.Kill() // while unhealthy
	e.Start(t)
	time.Sleep(7 * time.Second) // longer than it looks around
	if err := mails(2)(); err != nil {
		t.Errorf("after kill -9: %v", err)
	}
	app.Set("pass")
	e.ProbeUntil(t, "shop", "HEALTHY")
	harness.Await(t, 20*time.Second, "a mail about the recovery", mails(3))
	e.MustCall(t, http.MethodDelete, harness.TargetPath("shop"), nil, nil, http.StatusNoContent)
	harness.Await(t, 20*time.Second, "a mail about the end", mails(4))

	want := []string{"shop health is degraded", "shop is unhealthy", "shop is back to healthy", "shop is no longer monitored"}
	thread := ""
	for i, l := range box.All() {
		if l.Header("Subject") != want[i] || l.To[0] != "me@example.org" || l.From != "health@example.org" || !l.TLS {
			t.Errorf("mail %d: %q to %q from %q, TLS %v", i, l.Header("Subject"), l.To, l.From, l.TLS)
		}
		if l.Header("Auto-Submitted") != "auto-generated" || l.Header("Date") == "" || l.Header("Message-Id") == "" || l.Header("User-Agent") != "" {
			t.Errorf("mail %d: headers\n%s", i, l.Content)
		}
		if i == 0 {
			thread = l.Header("In-Reply-To")
		} else if i < 3 && (l.Header("In-Reply-To") != thread || thread == "") {
			t.Errorf("mail %d is not in the thread %q: %q", i, thread, l.Header("In-Reply-To"))
		}
		parts, err := l.Parts()
		if err != nil || !strings.Contains(parts["text/plain"], "shop") || !strings.Contains(parts["text/html"], "<html") {
			t.Errorf("mail %d: %v %v", i, parts, err)
		}
	}
	if page := e.Metrics(t); !strings.Contains(page, "health_notifications_queued 0") {
		t.Error("/metrics says that something is queued still")
	}
}

// many is a server with many services, each with a state of its own.
type many struct {
	mu   sync.Mutex
	down map[string]bool
}

func (m *many) set(path string, down bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down[path] = down
}

func (m *many) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down[strings.TrimSuffix(r.URL.Path, "/health")] {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// The program is killed at random moments: no change is told twice, none is not told.
func TestKilledWhileMailing(t *testing.T) {
	rounds := 10
	if testneed.Soak() {
		rounds = 200
	}
	box := harness.StartMailbox(t)
	services := &many{down: map[string]bool{}}
	server := httptest.NewServer(services)
	t.Cleanup(server.Close)
	var config strings.Builder
	config.WriteString("targets:\n")
	for i := range rounds {
		fmt.Fprintf(&config, "- {app: t%d, url: '%s/t%d', interval: 1d, initial_delay: 1d, healthy: 1, unhealthy: 2}\n", i, server.URL, i)
	}
	e := harness.StartExporter(t, box.MailConfig(config.String()))
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for i := range rounds {
		app := fmt.Sprint("t", i)
		killed := make(chan struct{})
		go func(after time.Duration, e *harness.Exporter) {
			defer close(killed)
			time.Sleep(after)
			e.Kill()
		}(time.Duration(500+random.IntN(5000))*time.Millisecond, e)
		for _, down := range []bool{false, true, true, false} {
			services.set("/"+app, down)
			_, _ = e.Call(http.MethodPost, harness.TargetPath(app)+"/probe", nil, nil) // it may be dead
			time.Sleep(time.Duration(random.IntN(1200)) * time.Millisecond)
		}
		<-killed
		e.Start(t)
	}
	// What is true is what the exporter itself remembers.
	want := map[string]int{}
	for i := range rounds {
		var history struct {
			Transitions []struct{ From, To string }
		}
		app := fmt.Sprint("t", i)
		e.MustCall(t, http.MethodGet, harness.TargetPath(app)+"/history", nil, &history, http.StatusOK)
		bad := false
		for _, tr := range history.Transitions {
			switch tr.To {
			case "DEGRADED":
				want[app+" health is degraded"]++
				bad = true
			case "UNHEALTHY":
				want[app+" is unhealthy"]++
				bad = true
			case "HEALTHY":
				if bad {
					want[app+" is back to healthy"]++
				}
				bad = false
			}
		}
	}
	if len(want) == 0 {
		t.Fatalf("no change in %d rounds", rounds)
	}
	var got map[string]int
	harness.Await(t, 60*time.Second, "told of everything", func() error {
		got = toldIn(t, box)
		for title, n := range want {
			if got[title] < n {
				return fmt.Errorf("%q: told %d times, want %d", title, got[title], n)
			}
		}
		return nil
	})
	for title, n := range got {
		if n != want[title] {
			t.Errorf("%q: told %d times, want %d", title, n, want[title])
		}
	}
}

// toldIn counts what the mails tell of; a mail that was sent again is the same mail.
func toldIn(t *testing.T, box *harness.Mailbox) map[string]int {
	t.Helper()
	told, seen := map[string]int{}, map[string]bool{}
	for _, l := range box.All() {
		if id := l.Header("Message-Id"); seen[id] {
			continue
		} else {
			seen[id] = true
		}
		parts, err := l.Parts()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(parts["text/plain"]) {
			line = strings.TrimSuffix(strings.TrimSpace(line), ".")
			for _, end := range []string{" health is degraded", " is unhealthy", " is back to healthy"} {
				if name, ok := strings.CutSuffix(line, end); ok && !strings.Contains(name, " ") {
					told[line]++
				}
			}
		}
	}
	return told
}

// The test of the channels says what is wrong in the words of the server.
func TestNotifyCommand(t *testing.T) {
	box := harness.StartMailbox(t)
	file := filepath.Join(t.TempDir(), "c.yml")
	run := func(config string) (string, int) {
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(harness.Program(), "notify", "--test", "--config.file="+file)
		out, _ := cmd.CombinedOutput() // the exit code is looked at
		return string(out), cmd.ProcessState.ExitCode()
	}
	out, code := run(box.MailConfig(""))
	if code != 0 || !strings.Contains(out, "e-mail to ops@example.org through 127.0.0.1:") || !strings.Contains(out, ": ok") {
		t.Errorf("exit %d: %s", code, out)
	}
	if got := box.All(); len(got) != 1 || got[0].Header("Subject") != "Test of health_exporter" {
		t.Errorf("%v", got)
	}
	out, code = run(strings.Replace(box.MailConfig(""), "ca_file: "+box.CAFile+", ", "", 1))
	if code != 1 || !strings.Contains(out, "FAILED") || !strings.Contains(out, "certificate") {
		t.Errorf("a certificate that is not trusted: exit %d: %s", code, out)
	}
	if out, code = run(""); code != 1 || !strings.Contains(out, "no channel") {
		t.Errorf("nobody to tell: exit %d: %s", code, out)
	}
}
