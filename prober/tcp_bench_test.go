package prober

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// BenchmarkTCPConnect has the listener's share in its figures too.
func BenchmarkTCPConnect(b *testing.B) {
	target := listen(b, func(net.Conn) {})
	m := tcpModule(b, nil)
	b.Run("scheduled", func(b *testing.B) { benchmarkProbe(b, m, Request{Target: target}) })
	b.Run("samples", func(b *testing.B) { benchmarkProbe(b, m, Request{Target: target, Samples: true}) })
	ca := newAuthority(b)
	cert := ca.issue(b, time.Now().Add(time.Hour), "127.0.0.1")
	secure := listenTLS(b, &tls.Config{Certificates: []tls.Certificate{cert}}, silent)
	trusting := tcpModule(b, func(p *tcpProbe) { p.TLS, p.TLSConfig.CAFile = true, ca.file })
	b.Run("TLS", func(b *testing.B) { benchmarkProbe(b, trusting, Request{Target: secure, Samples: true}) })
}

func BenchmarkTCPQueryResponse(b *testing.B) {
	greeting, answer := []byte("220 mail.example ESMTP\r\n"), []byte("250-mail.example\r\n250 8BITMIME\r\n")
	buffers := sync.Pool{New: func() any { return new([512]byte) }}
	target := listen(b, func(conn net.Conn) {
		buf := buffers.Get().(*[512]byte)
		defer buffers.Put(buf)
		_, _ = conn.Write(greeting)
		if _, err := conn.Read(buf[:]); err != nil && !errors.Is(err, io.EOF) {
			return
		}
		_, _ = conn.Write(answer)
	})
	m := talking(b, QueryResponse{Expect: re(`^220 ([^ ]+) ESMTP`), Send: "EHLO ${1}\r", Labels: []ExpectLabel{{Name: "server", Value: "${1}"}}},
		QueryResponse{Expect: re(`^250 8BITMIME`)})
	b.Run("scheduled", func(b *testing.B) { benchmarkProbe(b, m, Request{Target: target}) })
	b.Run("samples", func(b *testing.B) { benchmarkProbe(b, m, Request{Target: target, Samples: true}) })
}
