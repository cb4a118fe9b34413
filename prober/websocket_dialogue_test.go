package prober

import (
	"bufio"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/health"
)

// serveMutualTLS wants a certificate of the authority from its clients.
func serveMutualTLS(t testing.TB, ca *authority, cert tls.Certificate, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.pool(),
	}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // a handshake without a certificate is expected
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// telling sends these messages, each as text.
func telling(messages ...string) func(*websocket.Conn, *http.Request) {
	return func(conn *websocket.Conn, r *http.Request) {
		for _, message := range messages {
			_ = conn.Write(r.Context(), websocket.MessageText, []byte(message))
		}
	}
}

func TestWebsocketDialogue(t *testing.T) {
	expect := func(pattern string) QueryResponse { return QueryResponse{Expect: re(pattern)} }
	echo := wsURL(serve(t, accepting(func(conn *websocket.Conn, r *http.Request) {
		for {
			kind, message, err := conn.Read(r.Context())
			if err != nil || kind != websocket.MessageText {
				return
			}
			_ = conn.Write(r.Context(), websocket.MessageText, append([]byte("you said "), message...))
		}
	})))
	served := func(f func(*websocket.Conn, *http.Request)) string { return wsURL(serve(t, accepting(f))) }
	raw := func(text string) string {
		return "ws://" + listen(t, upgraded(func(conn net.Conn) {
			_, _ = io.WriteString(conn, text)
			_ = conn.(*net.TCPConn).CloseWrite()
			silent(conn)
		}))
	}
	const ended = "body|transfer|"
	for _, test := range []struct {
		name, target string
		steps        []QueryResponse
		want         string
	}{
		{"expect", served(telling("hello")), []QueryResponse{expect("^hel+o$")}, "pass"},
		{"two messages", served(telling("one", "two")), []QueryResponse{expect("one"), expect("two")}, "pass"},
		{"one message per expect", served(telling("one", "two")), []QueryResponse{expect("two")}, `body|check|message does not match "two"`},
		{"of several lines", served(telling("one\ntwo")), []QueryResponse{expect("(?m)^two$")}, "pass"},
		{"empty message", served(telling("")), []QueryResponse{expect("^$")}, "pass"},
		{"send", echo, []QueryResponse{{Send: "ping"}, expect("^you said ping$")}, "pass"},
		{"send is not expanded by itself", echo, []QueryResponse{{Send: "${1}"}, expect(`^you said \$\{1\}$`)}, "pass"},
		{"send what was matched", echo, []QueryResponse{
			{Send: "id=42"}, {Expect: re("id=([0-9]+)"), Send: "again ${1}"}, expect("^you said again 42$"),
		}, "pass"},
		{"no line feed is added", echo, []QueryResponse{{Send: "a"}, expect(`a\z`)}, "pass"},
		{"labels and starttls do nothing", served(telling("one")), []QueryResponse{
			{Expect: re("one"), StartTLS: true, Labels: []ExpectLabel{{Name: "a", Value: "b"}}}, {ExpectBytes: "x"},
		}, "pass"},
		{"nothing to do", served(nil), []QueryResponse{{}}, "pass"},
		{"binary message", raw(frame(2, "\x00\xffhello")), []QueryResponse{expect("hello$")}, "pass"},
		{"in fragments", raw("\x01\x03hel" + "\x00\x01l" + frame(9, "ping") + "\x80\x01o"), []QueryResponse{expect("^hello$")}, "pass"},
		{"after ping and pong", raw(frame(9, "ping") + frame(10, "pong") + frame(1, "hello")), []QueryResponse{expect("^hello$")}, "pass"},
		{"with the header", raw(frame(1, "hello")), []QueryResponse{expect("^hello$")}, "pass"},
		{"long message", raw(frame(1, strings.Repeat("x", 1<<20))), []QueryResponse{expect("^x+$")}, "pass"},
		{"too long a message", raw(frame(1, strings.Repeat("x", 10<<20+1))), []QueryResponse{expect("x")}, ended + "answer of more than 10 MiB"},
		{"closed", raw(frame(8, "\x03\xe9going\n\x1baway")), []QueryResponse{expect("x")}, ended + "peer closed the WebSocket: 1001 going ?away"},
		{"closed without a word", raw(frame(8, "")), []QueryResponse{expect("x")}, ended + "peer closed the WebSocket: 1005"},
		{"cut", raw(""), []QueryResponse{expect("x")}, ended + "connection closed before the end of a message"},
		{"cut in a message", raw("\x81\x05hel"), []QueryResponse{expect("x")}, ended + "connection closed before the end of a message"},
		{"cut in a frame", raw("\x81"), []QueryResponse{expect("x")}, ended + "connection closed before the end of a message"},
		{"reserved bits", raw("\xf1\x00"), []QueryResponse{expect("x")}, ended + "no message: received header with unexpected rsv bits set: true:true:true"},
		{"unknown opcode", raw("\x83\x00"), []QueryResponse{expect("x")}, ended + "no message: received unknown opcode opcode(3)"},
		{"end of nothing", raw("\x80\x00"), []QueryResponse{expect("x")}, ended + "no message: received continuation frame without text or binary frame"},
		{"huge control frame", raw("\x89\x7e\x01\x00"), []QueryResponse{expect("x")}, ended + "no message: received control frame payload with invalid length: 256"},
		{"negative length", raw("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff"), []QueryResponse{expect("x")}, ended + "no message: received negative payload length: -1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := websocketModule(t, func(p *websocketProbe) { p.QueryResponse = test.steps })
			res := probeWithin(t, m, 10*time.Second, Request{Target: test.target, Samples: true})
			if got := outcome(res); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			want := websocketValues(101, true, test.want != "pass", append(allPhases, "transfer")...)
			if diff := cmp.Diff(want, steadyValues(t, res)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestWebsocketGoodbye: the peer is told that all is well, and nothing if it is not.
func TestWebsocketGoodbye(t *testing.T) {
	ends := make(chan error, 1)
	target := wsURL(serve(t, accepting(func(conn *websocket.Conn, r *http.Request) {
		_ = conn.Write(r.Context(), websocket.MessageText, []byte("hello"))
		_, _, err := conn.Read(r.Context())
		ends <- err
	})))
	for pattern, want := range map[string]websocket.StatusCode{"hello": websocket.StatusNormalClosure, "else": -1} {
		m := websocketModule(t, func(p *websocketProbe) { p.QueryResponse = []QueryResponse{{Expect: re(pattern)}} })
		probeWithin(t, m, 5*time.Second, Request{Target: target})
		if err := <-ends; websocket.CloseStatus(err) != want {
			t.Errorf("after %s: %v", pattern, err)
		}
	}
}

func TestWebsocketDeadline(t *testing.T) {
	cert := newAuthority(t).issue(t, time.Now().Add(time.Hour), "127.0.0.1")
	over := make(chan struct{})
	hang := func(net.Conn) { <-over }
	secured := func(serve func(net.Conn)) func(net.Conn) {
		return func(conn net.Conn) {
			if secure := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{cert}}); secure.Handshake() == nil {
				serve(secure)
			}
		}
	}
	writes := func(text string) func(net.Conn) {
		return func(conn net.Conn) {
			_, _ = io.WriteString(conn, text)
			silent(conn)
		}
	}
	answer := func(text string) func(net.Conn) {
		return func(conn net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				writes(text)(conn)
			}
		}
	}
	expect := []QueryResponse{{Expect: re("x")}}
	flood := []QueryResponse{{Send: strings.Repeat("x", 16<<20)}}
	tests := []struct {
		name, scheme string
		target       string
		steps        []QueryResponse
		phase        Phase
		code         float64
	}{
		{"silence", "ws", listen(t, silent), nil, PhaseRequest, 0},
		{"silence in the handshake", "wss", listen(t, silent), nil, PhaseTLS, 0},
		{"silence after the handshake", "wss", listen(t, secured(silent)), nil, PhaseRequest, 0},
		{"half a header", "ws", listen(t, answer("HTTP/1.1 101 Switching")), nil, PhaseRequest, 0},
		{"no message", "ws", listen(t, upgraded(silent)), expect, PhaseTransfer, 101},
		{"no message, TLS", "wss", listen(t, secured(upgraded(silent))), expect, PhaseTransfer, 101},
		{"half a message", "ws", listen(t, upgraded(writes("\x81\x05hel"))), expect, PhaseTransfer, 101},
		{"half a ping", "ws", listen(t, upgraded(writes("\x89\x05hel"))), expect, PhaseTransfer, 101},
		{"pings only", "ws", listen(t, upgraded(func(conn net.Conn) { dribble(conn, frame(9, "x"), 10*time.Millisecond) })), expect, PhaseTransfer, 101},
		{"does not read", "ws", listen(t, upgraded(hang)), flood, PhaseRequest, 101},
		{"does not read, TLS", "wss", listen(t, secured(upgraded(hang))), flood, PhaseRequest, 101},
	}
	t.Cleanup(func() { close(over) }) // before the listeners wait for their connections
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := websocketModule(t, func(p *websocketProbe) { p.Client.TLSConfig.InsecureSkipVerify, p.QueryResponse = true, test.steps })
			t.Parallel() // they only wait
			res := checkDeadline(t, m, test.scheme+"://"+test.target, test.phase)
			checkValues(t, res, map[string]float64{
				"probe_websocket_status_code": test.code, "probe_websocket_failed_due_to_regex": boolValue(test.steps != nil),
			})
		})
	}
}

// TestWebsocketFlood: a peer that sends without end is cut short.
func TestWebsocketFlood(t *testing.T) {
	steps := slices.Repeat([]QueryResponse{{Expect: re("y")}}, 20)
	for name, piece := range map[string]string{
		"fragments": "\x00\x7e\x40\x00" + strings.Repeat("y", 1<<14),
		"messages":  frame(1, strings.Repeat("y", 1<<20)),
	} {
		t.Run(name, func(t *testing.T) {
			target := "ws://" + listen(t, upgraded(func(conn net.Conn) {
				if name == "fragments" {
					_, _ = io.WriteString(conn, "\x01\x00")
				}
				dribble(conn, piece, 0)
			}))
			m := websocketModule(t, func(p *websocketProbe) { p.QueryResponse = steps })
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			res := probeWithin(t, m, 10*time.Second, Request{Target: target})
			runtime.ReadMemStats(&after)
			if got := outcome(res); got != "body|transfer|answer of more than 10 MiB" {
				t.Errorf("got %q after %s", got, res.Duration)
			}
			if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 100 {
				t.Errorf("allocated %d MB", mb)
			}
		})
	}
}

// FuzzWebsocket answers with arbitrary bytes, before and after the upgrade: the
// probe ends in time, and what it says is fit to print.
func FuzzWebsocket(f *testing.F) {
	f.Add([]byte("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"), false)
	f.Add([]byte("HTTP/1.1 302 Found\r\nLocation: http://%%\r\n\r\n"), false)
	f.Add([]byte(frame(1, "hello")+frame(1, "there")), true)
	f.Add([]byte(frame(9, "ping")+frame(8, "\x03\xe8bye")), true)
	f.Add([]byte("\x01\x03hel\x80\x02lo\x81\x7f\x00\x00"), true)
	var m *Module
	f.Fuzz(func(t *testing.T, answer []byte, begun bool) {
		if m == nil {
			m = websocketModule(t, func(p *websocketProbe) {
				p.QueryResponse = []QueryResponse{{Expect: re("(.*)"), Send: "${1}"}, {Expect: re("there")}}
			})
		}
		serve := func(conn net.Conn) {
			_, _ = conn.Write(answer)
			_ = conn.(*net.TCPConn).CloseWrite()
			silent(conn)
		}
		if begun {
			serve = upgraded(serve)
		}
		const timeout = 500 * time.Millisecond
		res := probeWithin(t, m, timeout, Request{Target: "ws://" + listen(t, serve), Samples: true})
		if res.Duration > timeout+time.Second {
			t.Errorf("took %s", res.Duration)
		}
		if res.Outcome != health.Pass {
			checkTame(t, res)
		}
	})
}

func BenchmarkWebsocket(b *testing.B) {
	target := "ws://" + listen(b, upgraded(func(conn net.Conn) {
		_, _ = io.WriteString(conn, frame(1, "hello"))
		silent(conn)
	}))
	b.Run("upgrade", func(b *testing.B) { benchmarkProbe(b, websocketModule(b, nil), Request{Target: target}) })
	m := websocketModule(b, func(p *websocketProbe) { p.QueryResponse = []QueryResponse{{Expect: re("hello")}} })
	b.Run("message", func(b *testing.B) { benchmarkProbe(b, m, Request{Target: target, Samples: true}) })
}
