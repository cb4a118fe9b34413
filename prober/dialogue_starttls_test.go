package prober

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/health"
)

// noMail is a conversation with a mail server that wants none.
type noMail struct{}

var errNoMail = errors.New("no mail today")

func (noMail) Mail(string, *smtp.MailOptions) error { return errNoMail }
func (noMail) Rcpt(string, *smtp.RcptOptions) error { return errNoMail }
func (noMail) Data(io.Reader) error                 { return errNoMail }
func (noMail) Reset()                               {}
func (noMail) Logout() error                        { return nil }

// smtpServer is a mail server that offers STARTTLS and takes no mail.
func smtpServer(t *testing.T, cert tls.Certificate) string {
	t.Helper()
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return noMail{}, nil }))
	server.Domain = "mail.example"
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	server.ErrorLog = log.New(io.Discard, "", 0)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // ends with an error when it is closed
	}()
	t.Cleanup(func() { server.Close(); <-done })
	return l.Addr().String()
}

// smtpSteps are the recipe that people use for a mail server.
func smtpSteps() []QueryResponse {
	return []QueryResponse{
		{Expect: re(`^220 ([^ ]+) ESMTP`), Send: "EHLO prober\r", Labels: []ExpectLabel{{Name: "server", Value: "$1"}}},
		{Expect: re(`^250[ -]STARTTLS`), Send: "STARTTLS\r"},
		{Expect: re(`^220`), StartTLS: true},
		{Send: "EHLO prober\r"},
		{Expect: re(`^250[ -]8BITMIME`)},
		{Send: "QUIT\r"},
		{Expect: re(`^221`)},
	}
}

func TestSMTP(t *testing.T) {
	ca := newAuthority(t)
	until := time.Now().Add(24 * time.Hour).Truncate(time.Second).UTC()
	past := time.Now().Add(-time.Hour).Truncate(time.Second).UTC()
	good := smtpServer(t, ca.issue(t, until, "127.0.0.1", "mail.example"))
	expired := smtpServer(t, ca.issue(t, past, "127.0.0.1"))
	trusting := func(p *tcpProbe) { p.TLSConfig.CAFile = ca.file }
	named := func(p *tcpProbe) { trusting(p); p.TLSConfig.ServerName = "mail.example" }
	refusedAfter := "dns_lookup_time_seconds expect_info failed_due_to_bytes failed_due_to_regex ip_addr_hash ip_protocol ssl_earliest_cert_expiry ssl_last_chain_info"
	secured := "dns_lookup_time_seconds expect_info failed_due_to_bytes failed_due_to_regex ip_addr_hash ip_protocol" + securedNames[len(connectedNames):]
	for _, test := range []struct {
		name, target, hostname string
		set                    func(p *tcpProbe)
		want                   Result
		names                  string
	}{
		{name: "trusted", target: good, set: trusting, want: Result{Outcome: health.Pass, CertExpiry: until}, names: secured},
		{name: "server_name", target: good, hostname: "no.example", set: named, want: Result{Outcome: health.Pass, CertExpiry: until}, names: secured},
		{name: "hostname", target: good, hostname: "mail.example", set: trusting, want: Result{Outcome: health.Pass, CertExpiry: until}, names: secured},
		{name: "wrong hostname", target: good, hostname: "no.example", set: trusting, names: refusedAfter, want: Result{
			Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS, Error: "certificate is valid for mail.example, not no.example", CertExpiry: until,
		}},
		{name: "expired", target: expired, set: trusting, names: refusedAfter, want: Result{
			Outcome: health.Fail, Reason: ReasonTLS, Phase: PhaseTLS, Error: "certificate has expired", CertExpiry: past,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := tcpModule(t, func(p *tcpProbe) { test.set(p); p.QueryResponse = smtpSteps() })
			res := probeWithin(t, m, 5*time.Second, Request{Target: test.target, Hostname: test.hostname, Samples: true})
			checkResult(t, res, test.want)
			checkValues(t, res, map[string]float64{"probe_expect_info{server=mail.example}": 1, "probe_failed_due_to_regex": 0})
			if got := namesOf(res.Samples); got != test.names {
				t.Errorf("metrics %s, want %s", got, test.names)
			}
		})
	}
}

// upgrade is a peer's part of STARTTLS.
func upgrade(p *peer, cert tls.Certificate) (*peer, error) {
	secure := tls.Server(p.Conn, &tls.Config{Certificates: []tls.Certificate{cert}})
	return &peer{secure, bufio.NewReader(secure)}, secure.Handshake()
}

// The other protocols that begin in plain text, each with what a client must say.
func TestStartTLSRecipes(t *testing.T) {
	ca := newAuthority(t)
	cert := ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")
	for _, test := range []struct {
		name, greeting, command, answer string
		steps                           []QueryResponse
		then, closing                   string
	}{
		{
			name: "IMAP", greeting: "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n", command: ". STARTTLS\r\n", answer: ". OK begin\r\n",
			steps: []QueryResponse{
				{Expect: re(`OK.*STARTTLS`)},
				{Send: ". STARTTLS\r"},
				{Expect: re(`^\. OK`), StartTLS: true},
				{Send: ". CAPABILITY\r"},
				{Expect: re("IMAP4rev1")},
			},
			then: ". CAPABILITY\r\n", closing: "* CAPABILITY IMAP4rev1\r\n. OK\r\n",
		},
		{
			name: "POP3", greeting: "+OK ready\r\n", command: "STLS\r\n", answer: "+OK begin\r\n",
			steps: []QueryResponse{{Expect: re(`^\+OK`), Send: "STLS\r"}, {Expect: re(`^\+OK`), StartTLS: true}, {Send: "CAPA\r"}, {Expect: re(`^UIDL$`)}},
			then:  "CAPA\r\n", closing: "+OK\r\nTOP\r\nUIDL\r\n.\r\n",
		},
		{
			name: "FTP", greeting: "220-hello\r\n220 ready\r\n", command: "AUTH TLS\r\n", answer: "234 go\r\n",
			steps: []QueryResponse{{Expect: re(`^220 `), Send: "AUTH TLS\r"}, {Expect: re(`^234`), StartTLS: true}, {Send: "FEAT\r"}, {ExpectBytes: "211-"}},
			then:  "FEAT\r\n", closing: "211-\r\n211 end\r\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var heard []string
			done := make(chan struct{})
			target := scripted(t, func(p *peer) {
				defer close(done)
				p.say(test.greeting)
				heard = append(heard, p.hear())
				p.say(test.answer)
				p, err := upgrade(p, cert)
				if err != nil {
					t.Error(err)
					return
				}
				heard = append(heard, p.hear())
				p.say(test.closing)
				p.hearEnd()
			})
			m := tcpModule(t, func(p *tcpProbe) { p.TLSConfig.CAFile, p.QueryResponse = ca.file, test.steps })
			res := probeWithin(t, m, 5*time.Second, Request{Target: target, Samples: true})
			if res.Outcome != health.Pass {
				t.Error(res.Error)
			}
			if got := namesOf(res.Samples); got != securedNames {
				t.Errorf("metrics %s", got)
			}
			<-done
			if diff := cmp.Diff([]string{test.command, test.then}, heard); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// What somebody in the middle puts into the plain text before a handshake is
// never taken for something that came over TLS.
func TestStartTLSInjection(t *testing.T) {
	ca := newAuthority(t)
	cert := ca.issue(t, time.Now().Add(time.Hour), "127.0.0.1")
	target := scripted(t, func(p *peer) {
		p.say("220 go\r\n250 injected\r\n") // in one segment
		if p, err := upgrade(p, cert); err == nil {
			p.say("500 no\r\n")
		}
	})
	m := tcpModule(t, func(p *tcpProbe) {
		p.TLSConfig.CAFile = ca.file
		p.QueryResponse = []QueryResponse{{Expect: re("^220"), StartTLS: true}, {Expect: re("^250")}}
	})
	res := probeWithin(t, m, 5*time.Second, Request{Target: target, Samples: true})
	if res.Outcome != health.Fail || res.Reason != ReasonBody || res.Phase != PhaseCheck {
		t.Errorf("got %+v", res)
	}
	checkValues(t, res, map[string]float64{"probe_failed_due_to_regex": 1})
}

// TLS within TLS: blackbox_exporter would panic.
func TestStartTLSOverTLS(t *testing.T) {
	ca := newAuthority(t)
	outer, inner := time.Now().Add(time.Hour), time.Now().Add(2*time.Hour).Truncate(time.Second).UTC()
	second := ca.issue(t, inner, "127.0.0.1")
	target := listenTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, outer, "127.0.0.1")}}, func(conn net.Conn) {
		p := newPeer(conn)
		p.say("go\n")
		if p, err := upgrade(p, second); err == nil {
			p.say("deep\n")
			p.hearEnd()
		}
	})
	m := tcpModule(t, func(p *tcpProbe) {
		p.TLS, p.TLSConfig.CAFile = true, ca.file
		p.QueryResponse = []QueryResponse{{Expect: re("go"), StartTLS: true}, {Expect: re("deep")}}
	})
	res := probeWithin(t, m, 5*time.Second, Request{Target: target, Samples: true})
	checkResult(t, res, Result{Outcome: health.Pass, CertExpiry: inner})
	if got := namesOf(res.Samples); got != securedNames {
		t.Errorf("metrics %s", got)
	}
}
