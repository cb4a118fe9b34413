package prober

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/health"
)

// dribble writes the text again and again, a piece at a time, until the peer
// has had enough.
func dribble(conn net.Conn, text string, pause time.Duration) {
	for piece := []byte(text); ; {
		if _, err := conn.Write(piece); err != nil {
			return
		}
		time.Sleep(pause)
	}
}

// gzipBomb is 60 MB of zeros, compressed.
func gzipBomb(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	zeros := make([]byte, 1<<20)
	for range 60 {
		_, _ = w.Write(zeros)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestHostileTargets(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/health+json\r\n"
	bomb := gzipBomb(t)
	compressed := func(p *httpProbe) { p.Compression = "gzip" }
	matched := func(p *httpProbe) { p.Compression, p.FailIfBodyMatches = "gzip", []Regexp{re("x")} }
	limited := func(p *httpProbe) { p.Compression, p.BodySizeLimit = "gzip", 1<<20 }
	sendBomb := func(conn net.Conn) {
		fmt.Fprintf(conn, "%sContent-Length: %d\r\n\r\n", head, len(bomb))
		_, _ = conn.Write(bomb)
	}
	tests := []struct {
		name                    string
		serve                   func(conn net.Conn)
		options                 func(p *httpProbe)
		health, http, scheduled Reason
		memory                  int // MB that may be allocated, all told
	}{
		{
			name: "silence", serve: func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) },
			health: ReasonTimeout, http: ReasonTimeout, scheduled: ReasonTimeout, memory: 1,
		},
		{name: "endless body", serve: func(conn net.Conn) {
			_, _ = io.WriteString(conn, head+"\r\n")
			dribble(conn, strings.Repeat("x", 1<<16), 0)
		}, http: ReasonTimeout, memory: 2},
		{name: "endless chunks", serve: func(conn net.Conn) {
			_, _ = io.WriteString(conn, head+"Transfer-Encoding: chunked\r\n\r\n")
			dribble(conn, "1000\r\n"+strings.Repeat("x", 0x1000)+"\r\n", 0)
		}, http: ReasonTimeout, memory: 2},
		{name: "huge content length", serve: func(conn net.Conn) {
			_, _ = io.WriteString(conn, head+"Content-Length: 9223372036854775807\r\n\r\n")
			dribble(conn, strings.Repeat("x", 1<<16), 0)
		}, http: ReasonTimeout, memory: 2},
		{name: "dribbled body", serve: func(conn net.Conn) {
			_, _ = io.WriteString(conn, head+"\r\n")
			dribble(conn, "x", 10*time.Millisecond)
		}, health: ReasonTimeout, http: ReasonTimeout, scheduled: ReasonTimeout, memory: 1},
		{name: "dribbled header", serve: func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
			dribble(conn, "A: b\r\n", 10*time.Millisecond)
		}, health: ReasonTimeout, http: ReasonTimeout, scheduled: ReasonTimeout, memory: 1},
		{name: "header flood", serve: func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
			dribble(conn, strings.Repeat("A: "+strings.Repeat("b", 60)+"\r\n", 100), 0)
		}, health: ReasonBody, http: ReasonBody, scheduled: ReasonBody, memory: 4},
		{name: "header without end", serve: func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nA: ")
			dribble(conn, strings.Repeat("b", 1<<14), 0)
		}, health: ReasonBody, http: ReasonBody, scheduled: ReasonBody, memory: 4},
		{
			name: "first line without end", serve: func(conn net.Conn) { dribble(conn, strings.Repeat("b", 1<<14), 0) },
			health: ReasonBody, http: ReasonBody, scheduled: ReasonBody, memory: 4,
		},
		{
			name: "interim answers without end", serve: func(conn net.Conn) { dribble(conn, "HTTP/1.1 100 Continue\r\n\r\n", 0) },
			health: ReasonBody, http: ReasonBody, scheduled: ReasonBody, memory: 4,
		},
		{name: "deep JSON", serve: func(conn net.Conn) {
			_, _ = io.WriteString(conn, head+"Connection: close\r\n\r\n"+strings.Repeat("[", 60000))
		}, memory: 4},
		{name: "gzip bomb", serve: sendBomb, options: compressed, memory: 4},
		{name: "gzip bomb with a limit", serve: sendBomb, options: limited, http: ReasonBody, scheduled: ReasonBody, memory: 4},
		{name: "gzip bomb with a regex", serve: sendBomb, options: matched, http: ReasonBody, scheduled: ReasonBody, memory: 24},
	}
	const timeout = 400 * time.Millisecond
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			target := listen(t, func(conn net.Conn) {
				readRequest(conn)
				test.serve(conn)
			})
			probe := func(m *Module, samples bool, want Reason) {
				t.Helper()
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				begin := time.Now()
				limit := timeout
				if want == ReasonNone {
					limit = 10 * time.Second // it shall end by itself
				}
				res := probeWithin(t, m, limit, Request{Target: target, Samples: samples})
				took := time.Since(begin)
				runtime.ReadMemStats(&after)
				if res.Reason != want {
					t.Errorf("%s: got %q: %s, want %q", m.Kind(), res.Reason, res.Error, want)
				}
				if want == ReasonTimeout && res.Error != "no answer within 400ms" {
					t.Errorf("%s: says %q", m.Kind(), res.Error)
				}
				if took > limit+200*time.Millisecond {
					t.Errorf("%s: took %s", m.Kind(), took)
				}
				if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > uint64(test.memory) {
					t.Errorf("%s: allocated %d MB, want at most %d", m.Kind(), mb, test.memory)
				}
				if len(res.Error) > 1000 {
					t.Errorf("%s: the error has %d bytes", m.Kind(), len(res.Error))
				}
			}
			probe(healthModule(t, nil), false, test.health)
			m := httpModule(t, test.options)
			probe(m, true, test.http)
			probe(m, false, test.scheduled)
		})
	}
}

// The peer's words end up in errors: they must be one line of valid text.
func TestErrorsAreTame(t *testing.T) {
	target := listen(t, func(conn net.Conn) {
		readRequest(conn)
		_, _ = io.WriteString(conn, "evil\x00\xff\x1b[31m"+strings.Repeat("e", 2000)+"\r\n")
	})
	for _, m := range []*Module{healthModule(t, nil), httpModule(t, nil)} {
		res := probeWithin(t, m, 5*time.Second, Request{Target: target})
		if res.Reason != ReasonBody || len(res.Error) > 1000 || strings.ContainsAny(res.Error, "\x00\x1b\n") || !utf8.ValidString(res.Error) {
			t.Errorf("%s: got %s: %q", m.Kind(), res.Reason, res.Error)
		}
	}
}

// A password in the target must not come back in errors or logs.
func TestPasswordsStaySecret(t *testing.T) {
	for _, m := range []*Module{healthModule(t, nil), httpModule(t, nil), httpModule(t, func(p *httpProbe) {
		p.Client.ProxyURL = config.URL{URL: mustURL("http://me:hunter2@127.0.0.1:1")}
	})} {
		for _, target := range []string{"http://u:hunter2@127.0.0.1:1/", "http://u:hunter2@%/", "u:hunter2@127.0.0.1:x"} {
			var b bytes.Buffer
			res := probeWithin(t, m, time.Second, Request{Target: target, Log: textLog(&b)})
			if res.Outcome != health.Fail || strings.Contains(res.Error+b.String(), "hunter2") {
				t.Errorf("%s: got %q, log %q", m.Kind(), res.Error, b.String())
			}
		}
	}
}
