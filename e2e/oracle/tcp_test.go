package oracle

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

func (l *listeners) startTCP(t *testing.T) {
	t.Helper()
	greet := func(conn net.Conn) {
		io.WriteString(conn, "220 hello to you\r\nsecond\r\nand a third\nlast")
		hangUp(conn)
	}
	l.banner = listen(t, "tcp", "127.0.0.1:0", greet)
	l.banner6 = "[::1]:1"
	if probe, err := net.Listen("tcp", "[::1]:0"); err == nil {
		probe.Close()
		l.banner6 = listen(t, "tcp", "[::1]:0", greet)
	}
	listen(t, "unix", l.socket, greet)
	l.mute = listen(t, "tcp", "127.0.0.1:0", hangUp)
	server := &tls.Config{Certificates: []tls.Certificate{l.ca.server(t)}}
	l.dialogue = listen(t, "tcp", "127.0.0.1:0", func(conn net.Conn) { converse(conn, server) })
	l.echoTLS = listen(t, "tcp", "127.0.0.1:0", func(conn net.Conn) {
		secure := tls.Server(conn, server)
		io.Copy(secure, secure)
	})
	strict := server.Clone()
	strict.ClientAuth, strict.ClientCAs, strict.MaxVersion = tls.RequireAndVerifyClientCert, l.ca.pool, tls.VersionTLS12
	l.wantTLS = listen(t, "tcp", "127.0.0.1:0", func(conn net.Conn) {
		secure := tls.Server(conn, strict)
		io.Copy(secure, secure)
	})
}

// hangUp ends what we say, but hears the other side out. Without that it would get
// a reset, or not, by chance.
func hangUp(conn net.Conn) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
	waitClosed(conn)
}

// converse greets, repeats what it hears, and changes to TLS when it is told to, as
// mail servers do.
func converse(conn net.Conn, config *tls.Config) {
	io.WriteString(conn, "220 hello\r\n")
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		line := strings.TrimRight(lines.Text(), "\r")
		switch {
		case strings.HasPrefix(line, "EHLO probe"):
			io.WriteString(conn, "250-SIZE\r\n250 STARTTLS\r\n")
		case line == "STARTTLS":
			io.WriteString(conn, "220 go ahead\r\n")
			conn = tls.Server(conn, config)
			lines = bufio.NewScanner(conn)
		case strings.HasPrefix(line, "ping"):
			fmt.Fprintf(conn, "%s\r\n", line)
		default:
			fmt.Fprintf(conn, "you said: %s\r\n", line)
		}
	}
}

func (l *listeners) tcpCases() []oracleCase {
	cases := []oracleCase{
		{name: "tcp by name", module: "tcp_ip4", target: "localhost:" + port(l.banner)},
		{name: "tcp refused", module: "tcp_connect", target: l.closed},
		{name: "tcp without port", module: "tcp_connect", target: "127.0.0.1"},
		{name: "tcp empty port", module: "tcp_connect", target: "127.0.0.1:"},
		{name: "tcp port too high", module: "tcp_connect", target: "127.0.0.1:65536"},
		{name: "tcp port by name", module: "tcp_connect", target: "127.0.0.1:http"},
		{name: "tcp URL", module: "tcp_connect", target: "tcp://" + l.banner},
		{name: "tcp no such host", module: "tcp_connect", target: "none..invalid:80"},
		{name: "tcp IPv6", module: "tcp_connect", target: l.banner6},
		{name: "tcp IPv6 without brackets", module: "tcp_connect", target: "::1:" + port(l.banner6)},
		{name: "tcp IPv4 only, IPv6 target", module: "tcp_ip4_only", target: l.banner6},
		{name: "tcp IPv4 preferred, IPv6 target", module: "tcp_ip4", target: l.banner6},
		{name: "tcp hostname", module: "tcp_tls", target: l.echoTLS, query: "hostname=good.example.org"},
		{name: "tcp wrong hostname", module: "tcp_tls", target: l.echoTLS, query: "hostname=other.example.org"},
		{name: "tcp hostname and server name", module: "tcp_tls_name", target: l.echoTLS, query: "hostname=other.example.org"},
		{name: "starttls with wrong hostname", module: "tcp_starttls", target: l.dialogue, query: "hostname=other.example.org"},
		{name: "tcp_tls of a silent server", module: "tcp_tls", target: l.silent, timeout: "0.9"},
		{name: "tcp_tls of a plain server", module: "tcp_tls", target: l.banner},
		{name: "unix", module: "unix", target: l.socket, since: 28},
		{name: "unix missing", module: "unix", target: l.missingFile, since: 28},
	}
	servers := []struct{ name, address string }{
		{"a banner", l.banner}, {"a mute server", l.mute}, {"a dialogue", l.dialogue},
	}
	for _, module := range []string{
		"tcp_connect", "tcp_source", "tcp_banner", "tcp_later_line", "tcp_two_lines", "tcp_no_match", "tcp_dialogue", "tcp_send_first",
		"tcp_short", "tcp_timeout_expect", "tcp_starttls", "tcp_starttls_insecure",
	} {
		for _, server := range servers {
			cases = append(cases, oracleCase{name: module + " of " + server.name, module: module, target: server.address, timeout: "1"})
		}
	}
	for _, module := range []string{"tcp_timeout_expect", "tcp_connect"} {
		cases = append(cases, oracleCase{name: module + " of a silent server", module: module, target: l.silent})
	}
	for _, module := range []string{"tcp_tls", "tcp_tls_insecure", "tcp_tls_name", "tcp_tls_client", "tcp_tls_send"} {
		cases = append(cases,
			oracleCase{name: module + " of a good server", module: module, target: l.echoTLS},
			oracleCase{name: module + " of a server that wants certificates", module: module, target: l.wantTLS})
	}
	for _, module := range []string{"tcp_bytes", "tcp_bytes_wrong", "tcp_labels"} {
		for _, server := range servers {
			cases = append(cases, oracleCase{name: module + " of " + server.name, module: module, target: server.address, timeout: "1", since: 28})
		}
	}
	return cases
}
