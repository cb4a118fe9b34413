package prober

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/health"
)

// websocketModule makes a module of kind websocket; set may change its options.
func websocketModule(t testing.TB, set func(p *websocketProbe)) *Module {
	t.Helper()
	m, err := NewModule(ModuleSource{Kind: "websocket", Decode: func(into any) error {
		if set != nil {
			set(into.(*websocketProbe))
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// accepting is a handler that upgrades and then serves.
func accepting(serve func(conn *websocket.Conn, r *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"chat"}})
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		if serve != nil {
			serve(conn, r)
		}
		_, _, _ = conn.Read(r.Context())
	}
}

func wsURL(url string) string { return "ws" + strings.TrimPrefix(url, "http") }

// upgraded answers the request for an upgrade by hand, then serves the connection.
func upgraded(serve func(conn net.Conn)) func(net.Conn) {
	return func(conn net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", acceptKey(req))
		serve(conn)
	}
}

func acceptKey(req *http.Request) string {
	sum := sha1.Sum([]byte(req.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// frame is a frame as a server sends it.
func frame(opcode byte, payload string) string {
	switch n := len(payload); {
	case n < 126:
		return string([]byte{0x80 | opcode, byte(n)}) + payload
	case n < 1<<16:
		return string([]byte{0x80 | opcode, 126, byte(n >> 8), byte(n)}) + payload
	default:
		return string([]byte{0x80 | opcode, 127, 0, 0, 0, 0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + payload
	}
}

// websocketValues are the metrics of a probe that found 127.0.0.1, with the
// phases that it came to.
func websocketValues(code float64, upgraded, regex bool, phases ...string) map[string]float64 {
	values := map[string]float64{
		"probe_dns_lookup_time_seconds": 0, "probe_ip_protocol": 4, "probe_ip_addr_hash": 3668918509,
		"probe_websocket_status_code":         code,
		"probe_websocket_connection_upgraded": boolValue(upgraded),
		"probe_websocket_failed_due_to_regex": boolValue(regex),
	}
	for _, phase := range phases {
		values["probe_websocket_duration_seconds{phase="+phase+"}"] = 0
	}
	return values
}

var allPhases = []string{"resolve", "connect", "processing"}

func TestWebsocketUpgrade(t *testing.T) {
	answer := func(text string) string {
		return "ws://" + listen(t, func(conn net.Conn) {
			req, err := http.ReadRequest(bufio.NewReader(conn))
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, strings.ReplaceAll(strings.ReplaceAll(text, "KEY", acceptKey(req)), "\n", "\r\n"))
			silent(conn)
		})
	}
	good := wsURL(serve(t, accepting(nil)))
	const switching = "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\n"
	for _, test := range []struct {
		name, target, want string
		code               int
	}{
		{"upgraded", good + "/path?query", "pass", 101},
		{"scheme in capitals", "WS" + good[2:], "pass", 101},
		{"early hints", answer("HTTP/1.1 103 Early Hints\nLink: x\n\n" + switching + "Sec-WebSocket-Accept: KEY\n\n"), "pass", 101},
		{"redirect", answer("HTTP/1.1 302 Found\nLocation: " + good + "\nContent-Length: 0\n\n"), "status|check|status 302, want 101", 302},
		{"redirect to no URL", answer("HTTP/1.1 302 Found\nLocation: http://%%\nContent-Length: 0\n\n"), "status|check|status 302, want 101", 302},
		{"redirect to nowhere", answer("HTTP/1.1 301 Moved\nContent-Length: 9\n\n"), "status|check|status 301, want 101", 301},
		{"not found", answer("HTTP/1.1 404 Not Found\n\n"), "status|check|status 404, want 101", 404},
		{"no upgrade", answer("HTTP/1.1 200 OK\nContent-Length: 2\n\nok"), "status|check|status 200, want 101", 200},
		{"wrong key", answer(switching + "Sec-WebSocket-Accept: bm8=\n\n"), "body|check|not a WebSocket: invalid Sec-WebSocket-Accept", 101},
		{"no key", answer(switching + "\n"), "body|check|not a WebSocket: invalid Sec-WebSocket-Accept", 101},
		{
			"other upgrade", answer("HTTP/1.1 101 Switching Protocols\nUpgrade: h2c\nConnection: upgrade\n\n"),
			`body|check|not a WebSocket: Upgrade header "h2c" does not contain websocket`, 101,
		},
		{
			"no connection", answer("HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\n\n"),
			`body|check|not a WebSocket: Connection header "" does not contain Upgrade`, 101,
		},
		{
			"subprotocol", answer(switching + "Sec-WebSocket-Accept: KEY\nSec-WebSocket-Protocol: chat\n\n"),
			`body|check|not a WebSocket: unexpected Sec-WebSocket-Protocol from server: "chat"`, 101,
		},
		{
			"extension", answer(switching + "Sec-WebSocket-Accept: KEY\nSec-WebSocket-Extensions: permessage-deflate\n\n"),
			"body|check|not a WebSocket: unsupported extensions", 101,
		},
		{"no HTTP", answer("SSH-2.0-OpenSSH_9.7\n\n"), `body|request|no answer in HTTP: malformed HTTP response "SSH-2.0-OpenSSH_9.7"`, 0},
		{"hangs up", "ws://" + listen(t, readRequest), "connect|request|connection closed without an answer", 0},
		{
			"endless header", answer("HTTP/1.1 101 Switching Protocols\nA: " + strings.Repeat("b", 70<<10)),
			"body|request|answer with a header larger than 65536 bytes", 0,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			res := probeWithin(t, websocketModule(t, nil), 5*time.Second, Request{Target: test.target, Samples: true})
			if got := outcome(res); got != test.want && !(strings.HasPrefix(got, test.want) && strings.Contains(got, "not a WebSocket")) {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if res.StatusCode != test.code || !res.CertExpiry.IsZero() {
				t.Errorf("StatusCode %d, CertExpiry %s", res.StatusCode, res.CertExpiry)
			}
			if res.Duration > 2*time.Second {
				t.Errorf("waited %s for what did not come", res.Duration)
			}
			if diff := cmp.Diff(websocketValues(float64(test.code), test.want == "pass", false, allPhases...), steadyValues(t, res)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestWebsocketBeforeTheUpgrade: what there is to see when it was not asked for.
func TestWebsocketBeforeTheUpgrade(t *testing.T) {
	unresolved := websocketValues(0, false, false)
	unresolved["probe_ip_protocol"], unresolved["probe_ip_addr_hash"] = 0, 0
	unlooked := websocketValues(0, false, false)
	for _, name := range []string{"probe_dns_lookup_time_seconds", "probe_ip_protocol", "probe_ip_addr_hash"} {
		delete(unlooked, name)
	}
	refused := closedPort(t)
	const noURL = "internal||target must be a URL with ws:// or wss://"
	none := map[string]float64{}
	for _, test := range []struct {
		name, target string
		options      func(p *websocketProbe)
		want         string
		values       map[string]float64
	}{
		{"http", "http://" + refused, nil, noURL, websocketValues(0, false, false, "resolve", "processing")},
		{"no scheme", refused, nil, "internal||target is not a valid URL", none},
		{"name without scheme", "localhost:8080", nil, noURL, unresolved},
		{"bare name", "localhost", nil, noURL, unresolved},
		{"no host", "ws:///path", nil, noURL, unresolved},
		{"no port", "ws://localhost:x", nil, "internal||target is not a valid URL", none},
		{"refused", "ws://" + refused, nil, "connect|connect|connection refused", websocketValues(0, false, false, "resolve", "processing")},
		{"no such name", "ws://nobody.test", nil, "dns|resolve|looking up nobody.test: no such host", unresolved},
		{
			"no IPv6", "ws://" + refused, func(p *websocketProbe) { p.IPProtocolFallback = false },
			"dns|resolve|looking up 127.0.0.1: no IPv6 address", unresolved,
		},
		{"policy", "ws://169.254.169.254", nil, "policy|resolve|the network policy forbids 169.254.169.254: link-local address", unresolved},
		{
			"unreadable CA", "wss://" + refused, func(p *websocketProbe) { p.Client.TLSConfig.CAFile = "/nonexistent/ca.pem" },
			"internal||no such file or directory", unlooked,
		},
		{"unreadable password", "ws://" + refused, func(p *websocketProbe) {
			p.Client.BasicAuth = &config.BasicAuth{Username: "me", PasswordFile: "/nonexistent/password"}
		}, "internal||no such file or directory", websocketValues(0, false, false, "resolve", "processing")},
		{"unreadable header", "ws://" + refused, func(p *websocketProbe) {
			p.Headers.Headers = map[string]config.Header{"X-Key": {Files: []string{"/nonexistent/key"}}}
		}, "internal||no such file or directory", websocketValues(0, false, false, "resolve", "processing")},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := websocketModule(t, test.options)
			m.spec.(*websocketProbe).dialer.resolver = fakeDNS(t, nil)
			res := probeWithin(t, m, 5*time.Second, Request{Target: test.target, Samples: true})
			if got := outcome(res); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if diff := cmp.Diff(test.values, steadyValues(t, res)); diff != "" {
				t.Error(diff)
			}
			scheduled := probeWithin(t, m, 5*time.Second, Request{Target: test.target})
			if outcome(scheduled) != test.want || scheduled.Samples != nil {
				t.Errorf("without samples: %q, %d samples", outcome(scheduled), len(scheduled.Samples))
			}
		})
	}
}

// TestWebsocketPorts: the ports of the schemes, as the policy is asked about them.
func TestWebsocketPorts(t *testing.T) {
	m := websocketModule(t, nil)
	for target, rule := range map[string]string{
		"ws://127.0.0.1": "127.0.0.1:80", "wss://127.0.0.1/": "127.0.0.1:443", "ws://[::1]": "[::1]:80", "wss://[::1]:8443": "[::1]:8443",
	} {
		policy := rules(t, rule)
		policy.Allow, policy.Deny = nil, policy.Allow
		res := probeWithin(t, m, time.Second, Request{Target: target, Network: policy})
		if res.Reason != ReasonPolicy {
			t.Errorf("%s with %s denied: %q", target, rule, outcome(res))
		}
	}
}

func TestWebsocketOverTLS(t *testing.T) {
	ca := newAuthority(t)
	until := time.Now().Add(48 * time.Hour).Truncate(time.Second)
	expired := time.Now().Add(-time.Hour).Truncate(time.Second)
	good := ca.issue(t, until, "127.0.0.1", "ws.test")
	secure := "wss" + strings.TrimPrefix(serveTLS(t, good, true, accepting(nil)), "https")
	_, port, _ := net.SplitHostPort(secure[len("wss://"):])
	certFile, keyFile := writeKeyPair(t, ca.issue(t, until))
	mutual := "wss" + strings.TrimPrefix(serveMutualTLS(t, ca, good, accepting(nil)), "https")
	plain := wsURL(serve(t, accepting(nil)))
	trusting := func(p *websocketProbe) { p.Client.TLSConfig.CAFile = ca.file }
	for _, test := range []struct {
		name, target string
		options      func(p *websocketProbe)
		want         string
		expiry       time.Time
	}{
		{"good", secure, trusting, "pass", until},
		{"by name", "wss://ws.test:" + port, trusting, "pass", until},
		{"server_name", "wss://other.test:" + port, func(p *websocketProbe) { trusting(p); p.Client.TLSConfig.ServerName = "ws.test" }, "pass", until},
		{"not verified", secure, func(p *websocketProbe) { p.Client.TLSConfig.InsecureSkipVerify = true }, "pass", until},
		{"mutual", mutual, func(p *websocketProbe) {
			trusting(p)
			p.Client.TLSConfig.CertFile, p.Client.TLSConfig.KeyFile = certFile, keyFile
		}, "pass", until},
		{"no certificate of ours", mutual, trusting, "tls|tls|certificate required", until},
		{"unknown authority", secure, nil, "tls|tls|certificate is signed by an unknown authority", until},
		{"wrong name", "wss://other.test:" + port, trusting, "tls|tls|certificate is valid for ws.test, not other.test", until},
		{
			"expired", "wss" + strings.TrimPrefix(serveTLS(t, ca.issue(t, expired, "127.0.0.1"), false, accepting(nil)), "https"), trusting,
			"tls|tls|certificate has expired", expired,
		},
		{"server without TLS", "wss" + plain[2:], trusting, "tls|tls|no TLS: first record does not look like a TLS handshake", time.Time{}},
		{"target without TLS", "ws" + secure[3:], nil, "status|check|status 400, want 101", time.Time{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := websocketModule(t, test.options)
			m.spec.(*websocketProbe).dialer.resolver = fakeDNS(t, map[string][][]string{"ws.test": {{"127.0.0.1"}}, "other.test": {{"127.0.0.1"}}})
			res := probeWithin(t, m, 5*time.Second, Request{Target: test.target, Samples: true})
			if got := outcome(res); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if !res.CertExpiry.Equal(test.expiry) {
				t.Errorf("CertExpiry is %s, want %s", res.CertExpiry, test.expiry)
			}
			code := map[bool]float64{true: 101}[res.Outcome == health.Pass]
			if res.Reason == ReasonStatus {
				code = 400
			}
			if diff := cmp.Diff(websocketValues(code, code == 101, false, allPhases...), steadyValues(t, res)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
