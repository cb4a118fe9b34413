package config

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// TestRecipes holds the dialogues that the page on modules recommends, with
// peers that speak as the real servers do. A step of the peer is what it sends, or
// after "<" the line that it must get; "TLS" is a handshake.
func TestRecipes(t *testing.T) {
	modules := recipeModules(t)
	for _, test := range []struct {
		module string
		peer   []string
		fails  bool
	}{
		{"port_open", nil, false},
		{"ssh", []string{"SSH-2.0-OpenSSH_9.6 Debian-1\r\n", "<SSH-2.0-probe\r\n"}, false},
		{"ssh", []string{"220 this is something else\r\n"}, true},
		{"redis", []string{"<PING\r\n", "+PONG\r\n"}, false},
		{"redis", []string{"<PING\r\n", "-NOAUTH Authentication required.\r\n"}, true},
		{"redis_password", []string{"<AUTH secret\r\n", "+OK\r\n", "<PING\r\n", "+PONG\r\n"}, false},
		{"smtp_starttls", []string{
			"220 mail.example.org ESMTP\r\n", "<EHLO probe.example.org\r\n", "250-mail.example.org\r\n250-PIPELINING\r\n250 STARTTLS\r\n",
			"<STARTTLS\r\n", "220 2.0.0 go ahead\r\n", "TLS",
			"<EHLO probe.example.org\r\n", "250-mail.example.org\r\n250 AUTH PLAIN\r\n", "<QUIT\r\n",
		}, false},
		{"smtp_starttls", []string{"220 mail.example.org ESMTP\r\n", "<EHLO probe.example.org\r\n", "250 mail.example.org\r\n"}, true},
		{"imap_starttls", []string{
			"* OK IMAP4rev1 ready\r\n", "<a1 STARTTLS\r\n", "a1 OK begin TLS\r\n", "TLS", "<a2 LOGOUT\r\n", "* BYE\r\n",
		}, false},
		{"irc", []string{
			"<NICK prober\r\n", "<USER prober 0 * :prober\r\n", ":irc.example.org NOTICE * :hello\r\nPING :1234\r\n",
			"<PONG 1234\r\n", ":irc.example.org 001 prober :welcome\r\n",
		}, false},
		{"postgres", []string{"<\x00\x00\x00\x08\x04\xd2\x16\x2f\n", "S"}, false},
		{"postgres", []string{"<\x00\x00\x00\x08\x04\xd2\x16\x2f\n", "N"}, true},
		{"mysql", []string{"J\x00\x00\x00\n8.0.36\x00\x08\x00\x00\x00"}, false},
		{"mysql", []string{"\xb3\x00\x00\x00\n11.4.2-MariaDB\x00\x03"}, false},
		{"mysql", []string{"F\x00\x00\x00\xffj\x04Host '192.0.2.1' is not allowed to connect"}, true},
		{"clamd", []string{"<PING\n", "PONG\n"}, false},
		{"docker", []string{"<GET /_ping HTTP/1.0\r\n", "<\r\n", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nOK"}, false},
		{"docker", []string{"<GET /_ping HTTP/1.0\r\n", "<\r\n", "HTTP/1.0 500 Internal Server Error\r\n\r\n"}, true},
	} {
		name := test.module
		if test.fails {
			name += " is unwell"
		}
		t.Run(name, func(t *testing.T) {
			module := modules.config.Modules[test.module]
			if module == nil {
				t.Fatal("the page has no such module")
			}
			network, address := "tcp", "127.0.0.1:0"
			if module.Kind() == "unix" {
				network, address = "unix", filepath.Join(t.TempDir(), "s")
			}
			listener, err := net.Listen(network, address)
			if err != nil {
				t.Fatal(err)
			}
			if l, ok := listener.(interface{ SetDeadline(time.Time) error }); ok {
				_ = l.SetDeadline(time.Now().Add(10 * time.Second)) // or nobody comes, and the test hangs
			}
			spoken := make(chan error, 1)
			go func() { spoken <- speak(listener, modules.certificate, test.peer) }()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			res := module.Probe(ctx, prober.Request{Target: listener.Addr().String(), Samples: true})
			if err := <-spoken; err != nil && !test.fails {
				t.Error(err)
			}
			if want := map[bool]health.Outcome{false: health.Pass, true: health.Fail}[test.fails]; res.Outcome != want {
				t.Errorf("outcome %s, want %s: %s", res.Outcome, want, res.Error)
			}
			if test.fails && res.Reason != prober.ReasonBody {
				t.Errorf("reason %s (%s), want body", res.Reason, res.Error)
			}
		})
	}
}

type recipes struct {
	config      *Config
	certificate tls.Certificate
}

// recipeModules are all modules of the page in one configuration.
func recipeModules(t *testing.T) *recipes {
	t.Helper()
	files := makeFiles(t)
	r := &recipes{config: &Config{Modules: map[string]*prober.Module{}}}
	for _, block := range yamlBlock.FindAllStringSubmatch(readModulesDoc(t), -1) {
		c, err := parse("c.yml", []byte(files.placed(block[1])))
		if err != nil {
			continue // another test says so
		}
		for name := range c.moduleNodes {
			r.config.Modules[name] = c.Modules[name]
		}
	}
	var err error
	if r.certificate, err = tls.X509KeyPair([]byte(files.cert), []byte(files.key)); err != nil {
		t.Fatal(err)
	}
	return r
}

// speak is the peer's side of one dialogue, at the end of which it hangs up.
func speak(listener net.Listener, certificate tls.Certificate, steps []string) error {
	conn, err := listener.Accept()
	listener.Close()
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	reader := bufio.NewReader(conn)
	for _, step := range steps {
		want, listens := strings.CutPrefix(step, "<")
		switch {
		case step == "TLS":
			secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{certificate}})
			if err := secure.Handshake(); err != nil {
				return err
			}
			conn, reader = secure, bufio.NewReader(secure)
		case !listens:
			if _, err := conn.Write([]byte(step)); err != nil {
				return err
			}
		default:
			got, err := reader.ReadString('\n')
			if got != want {
				return errors.Join(fmt.Errorf("the peer got %q, want %q", got, want), err)
			}
		}
	}
	return nil
}
