package prober

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/health-exporter/health_exporter/health"
)

// deaf accepts and does not even read until the test is over.
func deaf(t testing.TB) string {
	t.Helper()
	over := make(chan struct{})
	target := listen(t, func(net.Conn) { <-over })
	t.Cleanup(func() { close(over) })
	return target
}

// checkDeadline checks that a probe whose peer holds it ends at its deadline, and
// when it is cancelled. The machine may be busy: of some attempts the best counts.
func checkDeadline(t *testing.T, m *Module, target string, phase Phase) (last Result) {
	t.Helper()
	const timeout, slack = 250 * time.Millisecond, 50 * time.Millisecond
	best := func(name, want string, probe func() Result) {
		t.Helper()
		got, over := "", time.Hour
		for range 5 {
			begin := time.Now()
			last = probe()
			got, over = outcome(last), time.Since(begin)-timeout
			if got == want && over <= slack {
				return
			}
		}
		t.Errorf("%s: got %q, want %q, %s too late", name, got, want, over)
	}
	best("cancelled", fmt.Sprintf("internal|%s|the probe was cancelled", phase), func() Result {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		timer := time.AfterFunc(timeout, cancel)
		defer timer.Stop()
		return m.Probe(ctx, Request{Target: target})
	})
	if !last.Inconclusive {
		t.Error("to be cancelled says something about the target")
	}
	best("deadline", fmt.Sprintf("timeout|%s|no answer within 250ms", phase), func() Result {
		return probeWithin(t, m, timeout, Request{Target: target, Samples: true})
	})
	return last
}

// alpnServer serves over TLS and agrees to HTTP/2.
func alpnServer(cert tls.Certificate, serve func(net.Conn)) func(net.Conn) {
	return func(conn net.Conn) {
		secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2"}})
		if secure.Handshake() == nil {
			serve(secure)
		}
	}
}

// framed does the part of a server in the beginning of HTTP/2, then serves.
func framed(serve func(conn net.Conn, framer *http2.Framer)) func(net.Conn) {
	return func(conn net.Conn) {
		preface := make([]byte, len(http2.ClientPreface))
		if _, err := io.ReadFull(conn, preface); err != nil {
			return
		}
		framer := http2.NewFramer(conn, conn)
		if framer.WriteSettings() == nil {
			serve(conn, framer)
		}
	}
}

func TestGRPCDeadline(t *testing.T) {
	held := serveGRPC(t, "127.0.0.1:0", checkFunc(func(ctx context.Context, _ *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
		<-ctx.Done()
		return nil, status.FromContextError(ctx.Err()).Err()
	}).register)
	cert := newAuthority(t).issue(t, time.Now().Add(time.Hour), "127.0.0.1")
	overTLS := func(p *grpcProbe) { p.TLS, p.TLSConfig.InsecureSkipVerify = true, true }
	for _, test := range []struct {
		name, target string
		options      func(p *grpcProbe)
		phase        Phase
	}{
		{"silence", listen(t, silent), nil, PhaseRequest},
		{"deaf", deaf(t), nil, PhaseRequest},
		{"silence in the handshake", listen(t, silent), overTLS, PhaseTLS},
		{"silence after the handshake", listen(t, alpnServer(cert, silent)), overTLS, PhaseRequest},
		{"silence after settings", listen(t, framed(func(conn net.Conn, _ *http2.Framer) { silent(conn) })), nil, PhaseRequest},
		{"half a frame", listen(t, framed(func(conn net.Conn, _ *http2.Framer) {
			_, _ = conn.Write([]byte{0, 0, 8, 1})
			silent(conn)
		})), nil, PhaseRequest},
		{"handler that hangs", held, nil, PhaseRequest},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel() // they only wait
			res := checkDeadline(t, grpcModule(t, test.options), test.target, test.phase)
			checkValues(t, res, map[string]float64{"probe_grpc_status_code": float64(codes.DeadlineExceeded)})
		})
	}
}

// TestGRPCMangled: peers that answer, but not as they should.
func TestGRPCMangled(t *testing.T) {
	says := func(text string) func(net.Conn) {
		return func(conn net.Conn) {
			_, _ = io.WriteString(conn, text)
			silent(conn)
		}
	}
	hangsUp := func(text string) func(net.Conn) {
		return func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 1<<10))
			_, _ = io.WriteString(conn, text)
			_ = conn.(*net.TCPConn).CloseWrite()
			silent(conn) // or the client's last words would make it a reset
		}
	}
	large := new(healthpb.HealthCheckResponse)
	large.ProtoReflect().SetUnknown(append([]byte{0x7a, 0x80, 0x80, 0x08}, make([]byte, 128<<10)...)) // field 15 of 128 KiB
	for _, test := range []struct {
		name, target, want string
		code               codes.Code
	}{
		{"hangs up", listen(t, hangsUp("")), "connect|request|connection closed without an answer", codes.Unavailable},
		{"half an answer", listen(t, hangsUp("\x00\x00\x08")), "connect|request|connection closed in the middle of the answer", codes.Unavailable},
		{"HTTP/1.1", serve(t, func(http.ResponseWriter, *http.Request) {}), "body|request|no answer in HTTP/2", codes.Unavailable},
		{"garbage", listen(t, says(strings.Repeat("garbage ", 9))), "body|request|no answer in HTTP/2", codes.Unavailable},
		{"goes away", listen(t, framed(func(conn net.Conn, f *http2.Framer) {
			_ = f.WriteGoAway(0, http2.ErrCodeNo, []byte("bye"))
			silent(conn)
		})), "connect|request|server ended the connection without an answer", codes.Unavailable},
		{
			"HTTP/2 without gRPC", serveHTTP2(t, http.NotFound),
			`status|check|call failed with code Unimplemented: unexpected HTTP status code received from server: 404 (Not Found); transport: received unexpected content-type "text/plain; charset=utf-8" data: "404 page not found\n"`, codes.Unimplemented,
		},
		{
			"no message", serveHTTP2(t, grpcAnswer("\x00\x00\x00\x00\x02\x09\x09")),
			"body|check|failed to unmarshal the received message: proto: cannot parse invalid wire-format data", codes.Internal,
		},
		{"large message", serveGRPC(t, "127.0.0.1:0", checkFunc(func(context.Context, *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
			return large, nil
		}).register), "body|check|received message larger than max (131076 vs. 65536)", codes.ResourceExhausted},
		{"evil words", serveGRPC(t, "127.0.0.1:0", checkFunc(func(context.Context, *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
			return nil, status.Error(codes.Internal, "evil\n\x1b[31m\u202e\xff")
		}).register), "status|check|call failed with code Internal: evil ?[31m?\uFFFD", codes.Internal},
	} {
		t.Run(test.name, func(t *testing.T) {
			target := strings.TrimPrefix(test.target, "http://")
			res := probeWithin(t, grpcModule(t, nil), 5*time.Second, Request{Target: target, Samples: true})
			if got := strings.ReplaceAll(outcome(res), "\u00a0", " "); got != test.want { // protobuf varies its spaces
				t.Errorf("got %q, want %q", got, test.want)
			}
			checkValues(t, res, map[string]float64{"probe_grpc_status_code": float64(test.code)})
		})
	}
}

// serveHTTP2 speaks HTTP/2 without TLS.
func serveHTTP2(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// grpcAnswer is a handler for calls that answers this, framed already.
func grpcAnswer(message string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		_, _ = io.WriteString(w, message)
		w.Header().Set("Grpc-Status", "0")
	}
}

// TestGRPCFlood: a peer that sends without end is cut short.
func TestGRPCFlood(t *testing.T) {
	const tooMuch = "body|request|answer of more than 1 MiB"
	for _, test := range []struct {
		name string
		send func(f *http2.Framer) error
		want []string
	}{
		{"unknown frames", func(f *http2.Framer) error { return f.WriteRawFrame(0xfe, 0, 0, make([]byte, 1<<14)) }, []string{tooMuch}},
		{"settings", func(f *http2.Framer) error {
			return f.WriteSettings(slices.Repeat([]http2.Setting{{ID: http2.SettingMaxFrameSize, Val: 1 << 14}}, 2000)...)
		}, []string{tooMuch}},
		{
			"data of no stream", func(f *http2.Framer) error { return f.WriteData(99, false, make([]byte, 1<<14)) },
			[]string{tooMuch, "body|request|no answer in HTTP/2"},
		},
		{"window updates", func(f *http2.Framer) error { return f.WriteWindowUpdate(0, 1) }, []string{tooMuch}},
	} {
		t.Run(test.name, func(t *testing.T) {
			target := listen(t, framed(func(conn net.Conn, f *http2.Framer) {
				go func() { _, _ = io.Copy(io.Discard, conn) }() // ends with the connection
				for test.send(f) == nil {
				}
			}))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			res := probeWithin(t, grpcModule(t, nil), 10*time.Second, Request{Target: target})
			runtime.ReadMemStats(&after)
			if got := outcome(res); !slices.Contains(test.want, got) {
				t.Errorf("got %q after %s, want one of %q", got, res.Duration, test.want)
			}
			if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 32 {
				t.Errorf("allocated %d MB", mb)
			}
		})
	}
}

// FuzzGRPC answers calls with arbitrary bytes, with and without the beginning of
// HTTP/2 done: the probe ends in time, and what it says is fit to print.
func FuzzGRPC(f *testing.F) {
	var settings bytes.Buffer
	framer := http2.NewFramer(&settings, nil)
	_ = framer.WriteSettings()
	_ = framer.WriteSettingsAck()
	_ = framer.WriteRSTStream(1, http2.ErrCodeRefusedStream)
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), false)
	f.Add(settings.Bytes(), false)
	f.Add([]byte{0, 0, 1, 1, 5, 0, 0, 0, 1, 0x88}, true) // the header of a 200, and the end
	f.Add([]byte("\x00\x00\x01\x01\x04\x00\x00\x00\x01\x88\x00\x00\x05\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00"), true)
	f.Add([]byte{0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0}, true)
	var m *Module
	f.Fuzz(func(t *testing.T, answer []byte, begun bool) {
		if m == nil {
			m = grpcModule(t, nil)
		}
		speak := func(conn net.Conn) {
			_, _ = conn.Write(answer)
			_ = conn.(*net.TCPConn).CloseWrite()
			silent(conn)
		}
		if begun {
			direct := speak
			speak = framed(func(conn net.Conn, framer *http2.Framer) {
				for {
					asked, err := framer.ReadFrame()
					if err != nil {
						return
					}
					if asked.Header().Type == http2.FrameData {
						direct(conn)
						return
					}
				}
			})
		}
		target := listen(t, speak)
		const timeout = 500 * time.Millisecond
		res := probeWithin(t, m, timeout, Request{Target: target, Samples: true})
		if res.Duration > timeout+time.Second {
			t.Errorf("took %s", res.Duration)
		}
		if res.Outcome != health.Pass {
			checkTame(t, res)
		}
	})
}

// checkTame checks that a failed result says why, in one line of valid text.
func checkTame(t *testing.T, res Result) {
	t.Helper()
	if res.Error == "" || strings.Contains(res.Error, "panicked") || len(res.Error) > 1000 ||
		!utf8.ValidString(res.Error) || strings.ContainsFunc(res.Error, func(r rune) bool { return r < ' ' }) {
		t.Errorf("says %s %q", res.Reason, res.Error)
	}
	steadyValues(t, res)
}

// TestGRPCLeavesNothing: neither goroutines nor memory stay behind.
func TestGRPCLeavesNothing(t *testing.T) {
	target := serveGRPC(t, "127.0.0.1:0", healthService)
	refused, mute := closedPort(t), listen(t, silent)
	m := grpcModule(t, nil)
	run := func(n int) (heap uint64) {
		for range n {
			probeWithin(t, m, 5*time.Second, Request{Target: target, Samples: true})
			probeWithin(t, m, 5*time.Second, Request{Target: refused})
		}
		for range n / 50 {
			probeWithin(t, m, time.Millisecond, Request{Target: mute})
		}
		var stats runtime.MemStats
		for range 3 {
			runtime.GC()
		}
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	n := 500
	if testing.Short() {
		n = 100
	}
	before, goroutines := run(n), runtime.NumGoroutine()
	after := run(n)
	if grown := int64(after) - int64(before); grown > 512<<10 {
		t.Errorf("the heap has grown by %d KiB in %d probes", grown>>10, 2*n)
	}
	end := time.Now().Add(5 * time.Second) // the server's side takes its time
	for runtime.NumGoroutine() > goroutines+3 && time.Now().Before(end) {
		runtime.Gosched()
	}
	if now := runtime.NumGoroutine(); now > goroutines+3 {
		t.Errorf("%d goroutines, %d before", now, goroutines)
	}
}

func BenchmarkGRPC(b *testing.B) {
	target := serveGRPC(b, "127.0.0.1:0", healthService)
	b.Run("plain", func(b *testing.B) { benchmarkProbe(b, grpcModule(b, nil), Request{Target: target}) })
	b.Run("samples", func(b *testing.B) { benchmarkProbe(b, grpcModule(b, nil), Request{Target: target, Samples: true}) })
}
