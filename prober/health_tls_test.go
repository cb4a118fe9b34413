package prober

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/health"
)

func TestHealthTLS(t *testing.T) {
	ca := newAuthority(t)
	until := time.Now().Add(24 * time.Hour).Truncate(time.Second).UTC()
	past := time.Now().Add(-time.Hour).Truncate(time.Second).UTC()
	ok := func(http.ResponseWriter, *http.Request) {}
	good := serveTLS(t, ca.issue(t, until, "127.0.0.1", "app.example"), true, ok)
	expired := serveTLS(t, ca.issue(t, past, "127.0.0.1"), false, ok)
	wrongName := serveTLS(t, ca.issue(t, until, "other.example"), false, ok)
	plain := strings.Replace(serve(t, ok), "http://", "https://", 1)
	downgrade := serveTLS(t, ca.issue(t, until, "127.0.0.1"), false, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+r.Host+"/", http.StatusFound)
	})
	silent := listen(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	rude := listen(t, func(conn net.Conn) { _, _ = conn.Read(make([]byte, 4096)) })

	trusting := func(p *healthProbe) { p.Client.TLSConfig.CAFile = ca.file }
	tests := []struct {
		name, target, hostname string
		options                func(p *healthProbe)
		want                   Result
	}{
		{name: "trusted", target: good, options: trusting, want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until}},
		{name: "trusted by name", target: good, hostname: "app.example", options: trusting, want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until}},
		{name: "keep_alive", target: good, options: func(p *healthProbe) { trusting(p); p.KeepAlive = true }, want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until}},
		{name: "unknown authority", target: good, want: Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS, Error: "certificate is signed by an unknown authority", CertExpiry: until}},
		{name: "insecure_skip_verify", target: good, options: func(p *healthProbe) { p.Client.TLSConfig.InsecureSkipVerify = true }, want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until}},
		{name: "expired", target: expired, options: trusting, want: Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS, Error: "certificate has expired", CertExpiry: past}},
		{name: "wrong name", target: wrongName, options: trusting, want: Result{
			Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS,
			Error: "cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs", CertExpiry: until,
		}},
		{
			name: "server_name", target: wrongName, options: func(p *healthProbe) { trusting(p); p.Client.TLSConfig.ServerName = "other.example" },
			want: Result{Outcome: health.Pass, StatusCode: 200, CertExpiry: until},
		},
		{name: "no TLS", target: plain, options: trusting, want: Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS, Error: "no TLS: first record does not look like a TLS handshake"}},
		{name: "hangs up", target: "https://" + rude, want: Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS, Error: "connection closed in the TLS handshake"}},
		{name: "silent", target: "https://" + silent, want: Result{Outcome: health.Fail, Reason: ReasonTimeout, Phase: PhaseTLS, Error: "no answer within 500ms"}},
		{
			name: "version", target: good, options: func(p *healthProbe) { trusting(p); p.Client.TLSConfig.MaxVersion = config.TLSVersion(tls.VersionTLS11) },
			want: Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS, Error: "no supported versions satisfy MinVersion and MaxVersion"},
		},
		{
			name: "missing ca_file", target: good, options: func(p *healthProbe) { p.Client.TLSConfig.CAFile = "testdata/none.pem" },
			want: Result{Outcome: health.Fail, Reason: ReasonInternal, Phase: PhaseTLS, Error: "no such file or directory"},
		},
		{name: "https to http", target: downgrade, options: trusting, want: Result{Outcome: health.Fail, Reason: ReasonRedirect, Phase: PhaseCheck, StatusCode: 302, Error: "redirect from https to http", CertExpiry: until}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := healthModule(t, test.options)
			timeout := 5 * time.Second
			if test.want.Reason == ReasonTimeout {
				timeout = 500 * time.Millisecond
			}
			for range 2 {
				got := probeWithin(t, m, timeout, Request{Target: test.target, Hostname: test.hostname})
				if test.name == "version" || test.name == "missing ca_file" {
					if got.Reason != test.want.Reason || !strings.Contains(got.Error, test.want.Error) {
						t.Errorf("got %s: %s, want %s: …%s", got.Reason, got.Error, test.want.Reason, test.want.Error)
					}
					continue
				}
				if diff := cmp.Diff(test.want, got, ignoreTimes); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestTLSFilesRotate(t *testing.T) {
	first, second := newAuthority(t), newAuthority(t)
	target := serveTLS(t, second.issue(t, time.Now().Add(time.Hour), "127.0.0.1"), false, func(http.ResponseWriter, *http.Request) {})
	m := healthModule(t, func(p *healthProbe) { p.Client.TLSConfig.CAFile = first.file })
	if res := probeWithin(t, m, 5*time.Second, Request{Target: target}); res.Reason != ReasonTLS {
		t.Fatalf("got %+v, want it not to trust", res)
	}
	content, err := os.ReadFile(second.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(first.file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(first.file, time.Now(), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if res := probeWithin(t, m, 5*time.Second, Request{Target: target}); res.Outcome != health.Pass {
		t.Errorf("got %+v, want it to trust the new authority", res)
	}
}
