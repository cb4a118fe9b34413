package prober

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/health-exporter/health_exporter/health"
)

// rudeQUIC speaks HTTP/3 as far as it must and does with each request, counted from 1, what
// answer does.
func rudeQUIC(t *testing.T, ca *authority, greeting string, answer func(conn *quic.Conn, control *quic.SendStream, stream *quic.Stream, request int32)) (address string, requests *atomic.Int32) {
	t.Helper()
	requests = new(atomic.Int32)
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	options := http3.ConfigureTLSConfig(&tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")}})
	packets := &quic.Transport{Conn: socket}
	listener, err := packets.Listen(options, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() {
		for {
			conn, err := listener.Accept(ctx)
			if err != nil {
				return
			}
			work.Go(func() {
				control, err := conn.OpenUniStream()
				if err != nil {
					return
				}
				_, _ = control.Write([]byte{0, 4, 0}) // a control stream, with no settings
				_, _ = control.Write([]byte(greeting))
				for {
					stream, err := conn.AcceptStream(ctx)
					if err != nil {
						return
					}
					answer(conn, control, stream, requests.Add(1))
				}
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		_ = packets.Close()
		_ = socket.Close()
		work.Wait()
	})
	return socket.LocalAddr().String(), requests
}

func breakOff(code http3.ErrCode) func(*quic.Conn, *quic.SendStream, *quic.Stream, int32) {
	return func(_ *quic.Conn, _ *quic.SendStream, s *quic.Stream, _ int32) {
		s.CancelRead(quic.StreamErrorCode(code))
		s.CancelWrite(quic.StreamErrorCode(code))
	}
}

func fineQUIC(_ *quic.Conn, _ *quic.SendStream, s *quic.Stream, _ int32) {
	_, _ = s.Write([]byte{1, 3, 0, 0, 0xc0 | 25}) // HEADERS, ":status: 200" of QPACK's table
	_ = s.Close()
	_, _ = io.Copy(io.Discard, s)
}

// A peer that sends requests away unseen is asked once more, and then it is down.
func TestHTTP3PeersThatSendRequestsAway(t *testing.T) {
	ca := newAuthority(t)
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, []byte(strings.Repeat("from a file", 1<<16)), 0o600); err != nil {
		t.Fatal(err)
	}
	reject := breakOff(http3.ErrCodeRequestRejected)
	for name, answer := range map[string]func(*quic.Conn, *quic.SendStream, *quic.Stream, int32){
		"REQUEST_REJECTED": reject,
		"REQUEST_REJECTED, reading on": func(_ *quic.Conn, _ *quic.SendStream, s *quic.Stream, _ int32) {
			s.CancelWrite(quic.StreamErrorCode(http3.ErrCodeRequestRejected))
		},
		"GOAWAY, REQUEST_REJECTED": func(c *quic.Conn, control *quic.SendStream, s *quic.Stream, n int32) {
			_, _ = control.Write([]byte{7, 1, 0})
			reject(c, control, s, n)
		},
	} {
		for method, set := range map[string]func(p *httpProbe){
			"GET": nil, "POST": func(p *httpProbe) { p.Method, p.Body = "POST", "text" },
			"file": func(p *httpProbe) { p.Method, p.BodyFile = "POST", file },
		} {
			t.Run(name+" "+method, func(t *testing.T) {
				m := http3Module(t, ca, set)
				address, requests := rudeQUIC(t, ca, "", answer)
				res := probeWithin(t, m, 5*time.Second, Request{Target: address})
				if res.Reason != ReasonConnect || !strings.Contains(res.Error, "refused the request twice") || res.Duration > 3*time.Second || requests.Load() != 2 {
					t.Errorf("asked %d times: %+v", requests.Load(), res)
				}
				once, requests := rudeQUIC(t, ca, "", func(c *quic.Conn, control *quic.SendStream, s *quic.Stream, n int32) {
					if n == 1 {
						answer(c, control, s, n)
						return
					}
					fineQUIC(c, control, s, n)
				})
				res = probeWithin(t, m, 5*time.Second, Request{Target: once, Samples: true})
				if res.Outcome != health.Pass || res.StatusCode != http.StatusOK || requests.Load() != 2 {
					t.Errorf("sent away once, asked %d times: %+v", requests.Load(), res)
				}
			})
		}
	}
}

// A peer that is about to go may say so before anything is asked.
func TestHTTP3PeersThatGoAwayAtOnce(t *testing.T) {
	ca := newAuthority(t)
	address, requests := rudeQUIC(t, ca, "\x07\x01\x00", breakOff(http3.ErrCodeRequestRejected))
	res := probeWithin(t, http3Module(t, ca, nil), 5*time.Second, Request{Target: address})
	if res.Reason != ReasonConnect || !strings.Contains(res.Error, "refused the request twice") || requests.Load() > 2 {
		t.Errorf("asked %d times: %+v", requests.Load(), res)
	}
}

// What may have been seen is not asked for again.
func TestHTTP3RequestsThatWereSeen(t *testing.T) {
	ca := newAuthority(t)
	for name, answer := range map[string]func(*quic.Conn, *quic.SendStream, *quic.Stream, int32){
		"REQUEST_CANCELLED": breakOff(http3.ErrCodeRequestCanceled), "INTERNAL_ERROR": breakOff(http3.ErrCodeInternalError),
		"NO_ERROR": breakOff(http3.ErrCodeNoError), "VERSION_FALLBACK": breakOff(http3.ErrCodeVersionFallback),
		"closed": func(c *quic.Conn, _ *quic.SendStream, _ *quic.Stream, _ int32) {
			_ = c.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeInternalError), "")
		},
		"headers, then REQUEST_REJECTED": func(c *quic.Conn, control *quic.SendStream, s *quic.Stream, n int32) {
			_, _ = s.Write([]byte{1, 3, 0, 0, 0xc0 | 25, 0, 9, 'x'})
			time.Sleep(50 * time.Millisecond)
			breakOff(http3.ErrCodeRequestRejected)(c, control, s, n)
		},
	} {
		address, requests := rudeQUIC(t, ca, "", answer)
		m := http3Module(t, ca, func(p *httpProbe) { p.Method, p.Body = "POST", "text" })
		res := probeWithin(t, m, 5*time.Second, Request{Target: address, Samples: true})
		if res.Outcome != health.Fail || res.Duration > 3*time.Second || requests.Load() != 1 {
			t.Errorf("%s: asked %d times: %+v", name, requests.Load(), res)
		}
	}
}
