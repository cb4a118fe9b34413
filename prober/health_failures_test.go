package prober

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/testport"
)

func TestHealthFailures(t *testing.T) {
	dead := testport.Reserve(t)
	answer := func(text string) string {
		return listen(t, func(conn net.Conn) {
			readRequest(conn)
			_, _ = io.WriteString(conn, text)
		})
	}
	resets := listen(t, func(conn net.Conn) {
		readRequest(conn)
		_ = conn.(*net.TCPConn).SetLinger(0)
	})
	tests := []struct {
		name, target string
		want         Result
	}{
		{"refused", dead, Result{Outcome: health.Fail, Reason: ReasonConnect, Phase: PhaseConnect, Error: "connection refused"}},
		{"no such host", "none.example", Result{Outcome: health.Fail, Reason: ReasonDNS, Phase: PhaseResolve, Error: "looking up none.example: no such host"}},
		{"closed", answer(""), Result{Outcome: health.Fail, Reason: ReasonConnect, Phase: PhaseRequest, Error: "connection closed without an answer"}},
		{"reset", resets, Result{Outcome: health.Fail, Reason: ReasonConnect, Phase: PhaseRequest, Error: "connection reset by peer"}},
		{"cut header", answer("HTTP/1.1 200 OK\r\nA: b"), Result{Outcome: health.Fail, Reason: ReasonConnect, Phase: PhaseTransfer, Error: "connection closed in the middle of the answer"}},
		{"cut body", answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"), Result{Outcome: health.Fail, Reason: ReasonConnect, Phase: PhaseTransfer, StatusCode: 200, Error: "connection closed in the middle of the answer"}},
		{"no HTTP", answer("SSH-2.0-OpenSSH_9\r\n"), Result{Outcome: health.Fail, Reason: ReasonBody, Phase: PhaseTransfer, Error: `no answer in HTTP: malformed HTTP response "SSH-2.0-OpenSSH_9"`}},
		{"bad header", answer("HTTP/1.1 200 OK\r\nbad\r\n\r\n"), Result{Outcome: health.Fail, Reason: ReasonBody, Phase: PhaseTransfer, Error: `no answer in HTTP: malformed MIME header: missing colon: "bad"`}},
		{"bad chunks", answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), Result{Outcome: health.Fail, Reason: ReasonBody, Phase: PhaseTransfer, StatusCode: 200, Error: "reading the body: invalid byte in chunk length"}},
		{"chunked", answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), Result{Outcome: health.Pass, StatusCode: 200, Response: []byte("{}")}},
		{"chunks of one byte", answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nx\r\n", 65000)), Result{Outcome: health.Pass, StatusCode: 200}},
		{"HTTP/1.0", answer("HTTP/1.0 200 OK\r\n\r\nok"), Result{Outcome: health.Pass, StatusCode: 200}},
		{"interim answers", answer("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), Result{Outcome: health.Pass, StatusCode: 200}},
		{"only interim answers", answer(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 9)), Result{Outcome: health.Fail, Reason: ReasonBody, Phase: PhaseTransfer, Error: "no answer in HTTP: too many interim answers"}},
		{"gzip", answer("HTTP/1.1 200 OK\r\nContent-Type: application/health+json\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08"), Result{Outcome: health.Fail, Reason: ReasonBody, Phase: PhaseCheck, StatusCode: 200, Error: "body is not gzip, as its Content-Encoding says"}},
		{"metadata", "169.254.169.254", Result{Outcome: health.Fail, Reason: ReasonPolicy, Phase: PhaseConnect, Error: "the network policy forbids 169.254.169.254: link-local address"}},
		{"metadata as a number", "0xa9fea9fe", Result{Outcome: health.Fail, Reason: ReasonPolicy, Phase: PhaseConnect, Error: "the network policy forbids 169.254.169.254: link-local address"}},
		{"metadata by name", "metadata.example", Result{Outcome: health.Fail, Reason: ReasonPolicy, Phase: PhaseConnect, Error: "the network policy forbids 169.254.169.254: link-local address"}},
		{"metadata by NAT64", "[64:ff9b::a9fe:a9fe]", Result{Outcome: health.Fail, Reason: ReasonPolicy, Phase: PhaseConnect, Error: "the network policy forbids 64:ff9b::a9fe:a9fe: link-local address"}},
	}
	resolver := fakeDNS(t, map[string][][]string{"metadata.example": {{"169.254.169.254"}}})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := healthModule(t, nil)
			m.spec.(*healthProbe).conns.dialer.resolver = resolver
			got := probeWithin(t, m, 5*time.Second, Request{Target: test.target})
			if diff := cmp.Diff(test.want, got, ignoreTimes); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A probe that has passed has passed, whatever becomes of its context then.
func TestCancelledTooLate(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for outcome, want := range map[health.Outcome]bool{health.Pass: false, health.Warn: false, health.Fail: true} {
		m := FuncModule("f", 0, func(context.Context) Result { cancel(); return Result{Outcome: outcome} })
		if res := m.Probe(ctx, Request{}); res.Outcome != outcome || res.Cancelled != want {
			t.Errorf("%+v", res)
		}
	}
}

func TestCancelledProbeIsInconclusive(t *testing.T) {
	arrived := make(chan struct{}, 2)
	silent := listen(t, func(conn net.Conn) {
		readRequest(conn)
		arrived <- struct{}{}
		_, _ = io.Copy(io.Discard, conn)
	})
	for _, m := range []*Module{healthModule(t, nil), httpModule(t, nil)} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		go func() { <-arrived; cancel() }()
		res := m.Probe(ctx, Request{Target: silent})
		if !res.Inconclusive || res.Reason != ReasonInternal || res.Error != "the probe was cancelled" {
			t.Errorf("%s: got %+v", m.Kind(), res)
		}
	}
}

func TestClassify(t *testing.T) {
	dial := func(errno syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", errno)}
	}
	tests := []struct {
		err          error
		want         Reason
		text         string
		inconclusive bool
	}{
		{dial(syscall.ECONNREFUSED), ReasonConnect, "connection refused", false},
		{dial(syscall.EHOSTUNREACH), ReasonConnect, "no route to host", false},
		{dial(syscall.ETIMEDOUT), ReasonTimeout, "no answer within 5s", false},
		{dial(syscall.EMFILE), ReasonInternal, "too many open files", true},
		{dial(syscall.ENFILE), ReasonInternal, "too many open files in system", true},
		{dial(syscall.ENOBUFS), ReasonInternal, "no buffer space available", true},
		{dial(syscall.EADDRNOTAVAIL), ReasonInternal, "cannot assign requested address", true},
		{dial(syscall.ENOMEM), ReasonInternal, "cannot allocate memory", true},
		{context.DeadlineExceeded, ReasonTimeout, "no answer within 5s", false},
		{&net.DNSError{Err: "no such host", Name: "a", IsNotFound: true}, ReasonDNS, "looking up a: no such host", false},
		{&net.DNSError{Err: "i/o timeout", Name: "a", IsTimeout: true}, ReasonDNS, "looking up a: no answer within 5s", true},
		{&net.DNSError{Err: "server misbehaving", Name: "a", IsTemporary: true}, ReasonDNS, "looking up a: server misbehaving", true},
		{dial(syscall.ENETUNREACH), ReasonConnect, "network is unreachable", true},
		{&url.Error{Op: "Get", URL: "http://u:p@h", Err: io.EOF}, ReasonConnect, "connection closed without an answer", false},
		{&net.OpError{Op: "dial", Err: &PolicyError{"1.2.3.4", "no"}}, ReasonPolicy, "the network policy forbids 1.2.3.4: no", false},
		{fmt.Errorf("x: %w", tls.RecordHeaderError{Msg: "bad"}), ReasonTLS, "no TLS: bad", false},
		{errHeaderTooLarge, ReasonBody, "answer with a header larger than 65536 bytes", false},
		{gzip.ErrHeader, ReasonConnect, "gzip: invalid header", false},
	}
	for _, test := range tests {
		got := failed(t.Context(), 5*time.Second, test.err)
		if got.Reason != test.want || got.Inconclusive != test.inconclusive || got.Error != test.text {
			t.Errorf("%v: got %s, %q, inconclusive: %v; want %s, %q", test.err, got.Reason, got.Error, got.Inconclusive, test.want, test.text)
		}
	}
}

func TestHealthModuleFaults(t *testing.T) {
	for want, set := range map[string]func(p *healthProbe){
		"oauth2: oauth2 client_id must be configured": func(p *healthProbe) { p.Client.OAuth2 = &config.OAuth2{} },
		"basic_auth: at most one of basic_auth, oauth2 & authorization must be configured": func(p *healthProbe) {
			p.Client.BasicAuth, p.Client.Authorization = &config.BasicAuth{}, &config.Authorization{}
		},
		`proxy_url: scheme must be http, https, socks5 or socks5h, not "ftp"`: func(p *healthProbe) {
			p.Client.ProxyURL = config.URL{URL: &url.URL{Scheme: "ftp", Host: "h"}}
		},
		"tls_config: exactly one of key or key_file must be configured when a client certificate is configured": func(p *healthProbe) {
			p.Client.TLSConfig.CertFile = "x"
		},
		"http_headers: setting header \"Host\" is not allowed": func(p *healthProbe) {
			p.Client.HTTPHeaders = &config.Headers{Headers: map[string]config.Header{"host": {}}}
		},
		"http_headers.X: has a value with a line break or control character": func(p *healthProbe) {
			p.Client.HTTPHeaders = &config.Headers{Headers: map[string]config.Header{"X": {Values: []string{"a\r\nb: c"}}}}
		},
	} {
		_, err := NewModule(ModuleSource{Kind: "health", Decode: func(into any) error { set(into.(*healthProbe)); return nil }})
		if err == nil || strings.TrimPrefix(err.Error(), "authorization: ") != want && err.Error() != want &&
			!strings.HasSuffix(err.Error(), strings.SplitN(want, ": ", 2)[1]) {
			t.Errorf("got %v, want %s", err, want)
		}
		if _, ok := errors.AsType[*FieldError](err); !ok {
			t.Errorf("%v is not a FieldError", err)
		}
	}
}
