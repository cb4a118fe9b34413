package prober

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/health-exporter/health_exporter/health"
)

// rudePeer speaks HTTP/2 over TLS and does with each request, counted from 1, what
// answer does. It hangs up if that returns false.
func rudePeer(t *testing.T, ca *authority, answer func(f *http2.Framer, stream uint32, request int32) bool) (address string, requests *atomic.Int32) {
	t.Helper()
	requests = new(atomic.Int32)
	options := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")}, NextProtos: []string{"h2"}}
	return listen(t, func(conn net.Conn) {
		secure := tls.Server(conn, options)
		if secure.Handshake() != nil {
			return
		}
		preface := make([]byte, len(http2.ClientPreface))
		if _, err := io.ReadFull(secure, preface); err != nil {
			return
		}
		f := http2.NewFramer(secure, secure)
		_ = f.WriteSettings()
		for {
			frame, err := f.ReadFrame()
			if err != nil {
				return
			}
			if headers, ok := frame.(*http2.HeadersFrame); ok && !answer(f, headers.StreamID, requests.Add(1)) {
				_ = secure.CloseWrite()
				silent(conn) // or what was written last might be lost
				return
			}
		}
	}), requests
}

func refuseStream(f *http2.Framer, stream uint32, _ int32) bool {
	return f.WriteRSTStream(stream, http2.ErrCodeRefusedStream) == nil
}

func goAway(last uint32, code http2.ErrCode, stay bool) func(f *http2.Framer, stream uint32, _ int32) bool {
	return func(f *http2.Framer, _ uint32, _ int32) bool { return f.WriteGoAway(last, code, nil) == nil && stay }
}

func fine(f *http2.Framer, stream uint32, _ int32) bool {
	var block bytes.Buffer
	_ = hpack.NewEncoder(&block).WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true}) == nil
}

// A peer that sends requests away unseen is asked once more, and then it is down.
func TestHTTP2PeersThatSendRequestsAway(t *testing.T) {
	ca := newAuthority(t)
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, []byte("from a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	bodies := map[string]func(p *httpProbe){
		"GET": func(*httpProbe) {}, "POST": func(p *httpProbe) { p.Method, p.Body = "POST", "text" },
		"file": func(p *httpProbe) { p.Method, p.BodyFile = "POST", file },
	}
	always := map[string]func(f *http2.Framer, stream uint32, _ int32) bool{
		"REFUSED_STREAM":               refuseStream,
		"REFUSED_STREAM and hangs up":  func(f *http2.Framer, s uint32, n int32) bool { refuseStream(f, s, n); return false },
		"GOAWAY":                       goAway(0, http2.ErrCodeNo, true),
		"GOAWAY and hangs up":          goAway(0, http2.ErrCodeNo, false),
		"GOAWAY, ENHANCE_YOUR_CALM":    goAway(0, http2.ErrCodeEnhanceYourCalm, true),
		"GOAWAY, INADEQUATE, hangs up": goAway(0, http2.ErrCodeInadequateSecurity, false),
	}
	for name, answer := range always {
		for method, set := range bodies {
			t.Run(name+" "+method, func(t *testing.T) {
				m := httpModule(t, func(p *httpProbe) { p.Client.TLSConfig.CAFile = ca.file; set(p) })
				address, requests := rudePeer(t, ca, answer)
				res := probeWithin(t, m, 5*time.Second, Request{Target: "https://" + address})
				if res.Reason != ReasonConnect || !strings.Contains(res.Error, "refused the request twice") || res.Duration > 2*time.Second {
					t.Errorf("%+v", res)
				}
				if n := requests.Load(); n < 2 || n > 3 {
					t.Errorf("asked %d times", n)
				}
				once, requests := rudePeer(t, ca, func(f *http2.Framer, stream uint32, n int32) bool {
					if n == 1 {
						return answer(f, stream, n)
					}
					return fine(f, stream, n)
				})
				res = probeWithin(t, m, 5*time.Second, Request{Target: "https://" + once})
				if res.Outcome != health.Pass || requests.Load() != 2 {
					t.Errorf("sent away once, asked %d times: %+v", requests.Load(), res)
				}
			})
		}
	}
}

// What may have been seen is not asked for again.
func TestHTTP2RequestsThatWereSeen(t *testing.T) {
	ca := newAuthority(t)
	for name, answer := range map[string]func(f *http2.Framer, stream uint32, _ int32) bool{
		"GOAWAY after it": goAway(1, http2.ErrCodeInternal, false),
		"INTERNAL_ERROR": func(f *http2.Framer, s uint32, _ int32) bool {
			return f.WriteRSTStream(s, http2.ErrCodeInternal) == nil
		},
		"CANCEL": func(f *http2.Framer, s uint32, _ int32) bool { return f.WriteRSTStream(s, http2.ErrCodeCancel) == nil },
	} {
		address, requests := rudePeer(t, ca, answer)
		m := httpModule(t, func(p *httpProbe) { p.Client.TLSConfig.CAFile, p.Method, p.Body = ca.file, "POST", "text" })
		res := probeWithin(t, m, 5*time.Second, Request{Target: "https://" + address})
		if res.Outcome != health.Fail || res.Duration > 2*time.Second || requests.Load() != 1 {
			t.Errorf("%s: asked %d times: %+v", name, requests.Load(), res)
		}
	}
}

// Kinds dns and grpc speak HTTP/2, too.
func TestOtherKindsSentAway(t *testing.T) {
	ca := newAuthority(t)
	for name, answer := range map[string]func(f *http2.Framer, stream uint32, _ int32) bool{
		"REFUSED_STREAM": refuseStream, "GOAWAY": goAway(0, http2.ErrCodeNo, true), "GOAWAY and hangs up": goAway(0, http2.ErrCodeNo, false),
	} {
		for _, kind := range []string{"dns", "grpc"} {
			address, requests := rudePeer(t, ca, answer)
			m := moduleOf(t, kind, func(s spec) {
				switch p := s.(type) {
				case *dnsProbe:
					p.TransportProtocol, p.TLSConfig.CAFile = dnsHTTPS, ca.file
				case *grpcProbe:
					p.TLS, p.TLSConfig.CAFile = true, ca.file
				}
			})
			res := probeWithin(t, m, 5*time.Second, Request{Target: address})
			if res.Outcome != health.Fail || res.Reason == ReasonTimeout || res.Duration > 3*time.Second {
				t.Errorf("%s, %s: %+v", kind, name, res)
			}
			if n := requests.Load(); n < 2 || n > 3 {
				t.Errorf("%s, %s: asked %d times: %s", kind, name, n, res.Error)
			}
		}
	}
}
