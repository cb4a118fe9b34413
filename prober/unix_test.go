package prober

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/testneed"
)

func unixModule(t testing.TB, set func(p *unixProbe)) *Module {
	t.Helper()
	m, err := NewModule(ModuleSource{Kind: "unix", Decode: func(into any) error {
		if set != nil {
			set(into.(*unixProbe))
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// listenUnix hands each connection to a socket to serve, one after another.
func listenUnix(t testing.TB, path string, serve func(conn net.Conn)) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
}

const (
	unixConnectedNames = "failed_due_to_bytes failed_due_to_regex"
	unixSecuredNames   = unixConnectedNames + " ssl_earliest_cert_expiry ssl_last_chain_expiry_timestamp_seconds ssl_last_chain_info tls_version_info"
	unixRefusedNames   = "ssl_earliest_cert_expiry ssl_last_chain_info"
)

func TestUnix(t *testing.T) {
	ca := newAuthority(t)
	until := time.Now().Add(24 * time.Hour).Truncate(time.Second).UTC()
	options := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, until, "app.example")}}
	dir := t.TempDir()
	path, secure, upgrades := filepath.Join(dir, "s"), filepath.Join(dir, "tls"), filepath.Join(dir, "starttls")
	redis := func(conn net.Conn) {
		p := newPeer(conn)
		if p.hear() == "PING\r\n" {
			p.say("+PONG\r\n")
		}
		p.hearEnd()
	}
	listenUnix(t, path, redis)
	listenUnix(t, secure, func(conn net.Conn) { redis(tls.Server(conn, options)) })
	listenUnix(t, upgrades, func(conn net.Conn) {
		newPeer(conn).say("go\n")
		redis(tls.Server(conn, options))
	})
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ping := []QueryResponse{{Send: "PING\r"}, {Expect: re(`^\+PONG$`)}}
	pings := func(p *unixProbe) { p.QueryResponse = ping }
	trusting := func(p *unixProbe) { p.TLS, p.TLSConfig.CAFile, p.TLSConfig.ServerName = true, ca.file, "app.example" }
	fail := func(reason Reason, phase Phase, text string) Result {
		return Result{Outcome: health.Fail, Reason: reason, Phase: phase, Error: text}
	}
	pass, passTLS := Result{Outcome: health.Pass}, Result{Outcome: health.Pass, CertExpiry: until}
	for _, test := range []struct {
		name, target, hostname string
		set                    func(p *unixProbe)
		want                   Result
		names                  string
	}{
		{name: "connect", target: path, want: pass, names: unixConnectedNames},
		{name: "dialogue", target: path, set: pings, want: pass, names: unixConnectedNames},
		{
			name: "no match", target: path, set: func(p *unixProbe) { p.QueryResponse = []QueryResponse{{Send: "PING\r"}, {ExpectBytes: "-"}} },
			want: fail(ReasonBody, PhaseCheck, "answer is not the 1 bytes expected"), names: unixConnectedNames,
		},
		{name: "nothing there", target: filepath.Join(dir, "none"), want: fail(ReasonConnect, PhaseConnect, "no such file or directory")},
		{name: "no socket", target: file, want: fail(ReasonConnect, PhaseConnect, "connection refused")},
		{name: "path too long", target: "/" + strings.Repeat("x", 300), want: fail(ReasonConnect, PhaseConnect, "")},
		{name: "empty", target: "", want: fail(ReasonConnect, PhaseConnect, "")},
		{name: "TLS", target: secure, set: func(p *unixProbe) { trusting(p); pings(p) }, want: passTLS, names: unixSecuredNames},
		{
			name: "TLS without a name", target: secure, set: func(p *unixProbe) { trusting(p); p.TLSConfig.ServerName = "" },
			want: fail(ReasonTLS, PhaseTLS, "tls_config.server_name is needed to verify the certificate of a socket"),
		},
		{
			name: "hostname is not a name for TLS", target: secure, hostname: "app.example", set: func(p *unixProbe) { trusting(p); p.TLSConfig.ServerName = "" },
			want: fail(ReasonTLS, PhaseTLS, ""),
		},
		{name: "insecure_skip_verify", target: secure, set: func(p *unixProbe) { p.TLS, p.TLSConfig.InsecureSkipVerify = true, true }, want: passTLS, names: unixSecuredNames},
		{
			name: "wrong name", target: secure, set: func(p *unixProbe) { trusting(p); p.TLSConfig.ServerName = "no.example" },
			want: Result{Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS, Error: "certificate is valid for app.example, not no.example", CertExpiry: until}, names: unixRefusedNames,
		},
		{name: "STARTTLS", target: upgrades, set: func(p *unixProbe) {
			trusting(p)
			p.TLS, p.QueryResponse = false, append([]QueryResponse{{Expect: re("go"), StartTLS: true}}, ping...)
		}, want: passTLS, names: unixSecuredNames},
		{
			name: "STARTTLS without a name", target: upgrades, set: func(p *unixProbe) { p.QueryResponse = []QueryResponse{{Expect: re("go"), StartTLS: true}} },
			want: fail(ReasonTLS, PhaseTLS, "tls_config.server_name is needed to verify the certificate of a socket"), names: unixConnectedNames,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			res := probeWithin(t, unixModule(t, test.set), 5*time.Second, Request{Target: test.target, Hostname: test.hostname, Samples: true})
			checkResult(t, res, test.want)
			if got := namesOf(res.Samples); got != test.names {
				t.Errorf("metrics %s, want %s", got, test.names)
			}
		})
	}
}

func TestUnixAbstract(t *testing.T) {
	testneed.Linux(t, "abstract sockets")
	name := "@health_exporter " + t.TempDir()
	listenUnix(t, name, silent)
	if res := probeWithin(t, unixModule(t, nil), 5*time.Second, Request{Target: name}); res.Outcome != health.Pass {
		t.Error(res.Error)
	}
}

func TestUnixDeadline(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	m := unixModule(t, func(p *unixProbe) { p.QueryResponse = []QueryResponse{{Expect: re("x")}} })
	checkHeld(t, m, func(serve func(net.Conn)) string {
		listenUnix(t, path, serve)
		return path
	})
}

func TestUnixWarnings(t *testing.T) {
	for _, test := range []struct {
		name string
		set  func(p *unixProbe)
		want int
	}{
		{"plain", nil, 0},
		{"tls", func(p *unixProbe) { p.TLS = true }, 1},
		{"starttls", func(p *unixProbe) { p.QueryResponse = []QueryResponse{{StartTLS: true}} }, 1},
		{"name", func(p *unixProbe) { p.TLS, p.TLSConfig.ServerName = true, "app.example" }, 0},
		{"unverified", func(p *unixProbe) { p.TLS, p.TLSConfig.InsecureSkipVerify = true, true }, 0},
		{"labels", func(p *unixProbe) { p.QueryResponse = []QueryResponse{{Labels: []ExpectLabel{{Name: "x"}}}} }, 1},
	} {
		if got := unixModule(t, test.set).Warnings(); len(got) != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}
