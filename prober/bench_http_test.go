package prober

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

func mustURL(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil {
		panic(err)
	}
	return u
}

func textLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// cpuTime is what this process has used, kernel included.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func benchmarkProbe(b *testing.B, m *Module, req Request) {
	b.ReportAllocs()
	probe := func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if res := m.Probe(ctx, req); res.Outcome != health.Pass {
			b.Fatal(res.Error)
		}
	}
	probe()
	begin := cpuTime()
	b.ResetTimer()
	for range b.N {
		probe()
	}
	b.StopTimer()
	b.ReportMetric(float64((cpuTime()-begin).Microseconds())/float64(b.N), "cpu-µs/op")
}

// rawTarget answers "ok" with as little work as it can, so that the figures are
// nearly those of the probe alone.
func rawTarget(b *testing.B) string {
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok")
	buffers := sync.Pool{New: func() any { return new([4096]byte) }}
	return listen(b, func(conn net.Conn) {
		buf := buffers.Get().(*[4096]byte)
		defer buffers.Put(buf)
		for {
			if _, err := conn.Read(buf[:]); err != nil {
				return
			}
			if _, err := conn.Write(answer); err != nil {
				return
			}
		}
	})
}

func BenchmarkProbeHealth(b *testing.B) {
	target := "http://" + rawTarget(b)
	b.Run("new", func(b *testing.B) { benchmarkProbe(b, healthModule(b, nil), Request{Target: target}) })
	b.Run("keep_alive", func(b *testing.B) {
		benchmarkProbe(b, healthModule(b, func(p *healthProbe) { p.KeepAlive = true }), Request{Target: target})
	})
	ca := newAuthority(b)
	secure := serveTLS(b, ca.issue(b, time.Now().Add(time.Hour), "127.0.0.1"), false, func(http.ResponseWriter, *http.Request) {})
	b.Run("TLS", func(b *testing.B) {
		benchmarkProbe(b, healthModule(b, func(p *healthProbe) { p.Client.TLSConfig.CAFile = ca.file }), Request{Target: secure})
	})
}

func BenchmarkProbeHTTP(b *testing.B) {
	target := "http://" + rawTarget(b)
	m := httpModule(b, nil)
	b.Run("scheduled", func(b *testing.B) { benchmarkProbe(b, m, Request{Target: target}) })
	b.Run("samples", func(b *testing.B) { benchmarkProbe(b, m, Request{Target: target, Samples: true}) })
	ca := newAuthority(b)
	secure := serveTLS(b, ca.issue(b, time.Now().Add(time.Hour), "127.0.0.1"), true, func(http.ResponseWriter, *http.Request) {})
	trusting := httpModule(b, func(p *httpProbe) { p.Client.TLSConfig.CAFile = ca.file })
	b.Run("HTTPS+CA_file", func(b *testing.B) { benchmarkProbe(b, trusting, Request{Target: secure, Samples: true}) })
	b.Run("HTTPS+CA_file+HTTP1", func(b *testing.B) {
		benchmarkProbe(b, httpModule(b, func(p *httpProbe) {
			p.Client.TLSConfig.CAFile, p.Client.EnableHTTP2 = ca.file, false
		}), Request{Target: secure, Samples: true})
	})
	unverified := httpModule(b, func(p *httpProbe) { p.Client.TLSConfig.InsecureSkipVerify = true })
	b.Run("HTTPS", func(b *testing.B) { benchmarkProbe(b, unverified, Request{Target: secure, Samples: true}) })
	b.Run("HTTP3", func(b *testing.B) {
		addr := serveQUIC(b, &tls.Config{Certificates: []tls.Certificate{ca.issue(b, time.Now().Add(time.Hour), "127.0.0.1")}},
			func(http.ResponseWriter, *http.Request) {})
		benchmarkProbe(b, http3Module(b, ca, nil), Request{Target: addr, Samples: true})
	})
	json := serve(b, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"status":"ok","load":[1,2,3]}`)
	})
	b.Run("CEL", func(b *testing.B) {
		benchmarkProbe(b, httpModule(b, func(p *httpProbe) {
			p.FailIfBodyJSONNotMatches = expression(b, `body.status == "ok" && body.load.all(x, x < 5.0)`)
		}), Request{Target: json, Samples: true})
	})
}
