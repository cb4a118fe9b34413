package celery

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/health-exporter/health_exporter/checks/internal/resp"
	"github.com/health-exporter/health_exporter/internal/testport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRedisOptions(t *testing.T) {
	tests := []struct {
		url  string
		want resp.Options
		ok   bool
	}{
		{"redis://", resp.Options{Address: "localhost:6379"}, true},
		{"redis://host", resp.Options{Address: "host:6379"}, true},
		{"redis://:p%40w@[::1]:7000/3", resp.Options{Address: "[::1]:7000", Password: "p@w", Database: 3}, true},
		{"redis://me:pw@host/", resp.Options{Address: "host:6379", Username: "me", Password: "pw"}, true},
		{"redis://host/x", resp.Options{}, false},
		{"redis://host/-1", resp.Options{}, false},
		{"amqp://host", resp.Options{}, false},
		{"", resp.Options{}, false},
		{"redis://%zz", resp.Options{}, false},
	}
	for _, tt := range tests {
		got, ok := redisOptions(tt.url, nil)
		if ok != tt.ok {
			t.Errorf("%s: ok is %v", tt.url, ok)
		} else if diff := cmp.Diff(tt.want, got); ok && diff != "" {
			t.Errorf("%s: %s", tt.url, diff)
		}
	}
	if opts, ok := redisOptions("rediss://host", nil); !ok || opts.TLS == nil {
		t.Errorf("rediss gives %+v, %v", opts, ok)
	}
}

func TestAnswers(t *testing.T) {
	p := &ping{exchange: "celery", ticket: newID(), names: []string{"a@h", "b@h"}, answered: map[string]bool{}}
	sealed := func(ticket, body string) string {
		text, err := p.seal([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		var e envelope
		if err := json.Unmarshal(text, &e); err != nil {
			t.Fatal(err)
		}
		e.Headers = map[string]any{"ticket": ticket, "clock": 7}
		if text, err = json.Marshal(e); err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, text := range []string{
		sealed(p.ticket, `{"a@h":{"ok":"pong"}}`),
		sealed("another", `{"x@h":{"ok":"pong"}}`),
		sealed(p.ticket, `{"y@h":{"error":"no"}}`),
		sealed(p.ticket, `not JSON`),
		`{"body":"***","properties":{"body_encoding":"base64"}}`,
		`rubbish`,
	} {
		p.open(text)
		if p.complete() {
			t.Errorf("complete after %s", text)
		}
	}
	p.open(`{"body":"{\"b@h\":{\"ok\":\"pong\"}}","headers":{},"properties":{}}`)
	if got := slices.Sorted(maps.Keys(p.answered)); !slices.Equal(got, []string{"a@h", "b@h"}) || !p.complete() {
		t.Errorf("answers of %v", got)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(`{"body":"e30=","headers":{"ticket":"t"},"properties":{"body_encoding":"base64"}}`)
	f.Add(`{"body":"{\"b@h\":{\"ok\":\"pong\"}}"}`)
	f.Fuzz(func(t *testing.T, text string) {
		p := &ping{ticket: "t", answered: map[string]bool{}}
		p.open(text)
		if p.answered[""] {
			t.Error("a worker has no name")
		}
	})
}

func TestJudge(t *testing.T) {
	answered := map[string]bool{"b@h": true, "a@h": true}
	tests := []struct {
		name     string
		check    Workers
		answered map[string]bool
		want     string
	}{
		{"none", Workers{}, nil, "no worker has answered"},
		{"some", Workers{}, answered, ""},
		{"enough", Workers{Min: 2, Names: []string{"a@h"}}, answered, ""},
		{"too few", Workers{Min: 3}, answered, "2 celery workers answer, want 3: a@h, b@h"},
		{"missing", Workers{Names: []string{"c@h", "a@h"}}, answered, "celery workers do not answer: c@h"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := tt.check.judge(t.Context(), tt.answered); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	err := Workers{Broker: "sqs://me:secret@host", Min: -1, Wait: -1}.Run(t.Context())
	for _, part := range []string{`Broker is "sqs:…", must be a URL of amqp, amqps, redis or rediss`, "Min is -1, must be", "Wait is -1ns"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in:\n%v", part, err)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("a password is in:\n%v", err)
	}
}

// TestNoBroker: a broker that hangs or is away ends a run in time.
func TestNoBroker(t *testing.T) {
	l := testport.Listen(t)
	for _, scheme := range []string{"redis", "amqp"} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		began := time.Now()
		err := Workers{Broker: scheme + "://" + l.Addr().String()}.Run(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 5*time.Second {
			t.Errorf("%s: after %s: %v", scheme, time.Since(began), err)
		}
		cancel()
	}
	l.Close()
	for _, scheme := range []string{"redis", "amqp"} {
		err := Workers{Broker: scheme + "://" + l.Addr().String()}.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("%s: %v", scheme, err)
		}
	}
}
