package mail

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// badServer is a server that does to each connection what the test wants.
type badServer struct {
	port int

	mu          sync.Mutex
	connections int // guarded by mu
}

// startBadServer serves until the test ends; then the connections that are left are
// closed, and waited for.
func startBadServer(t testing.TB, serve func(c net.Conn)) *badServer {
	t.Helper()
	listener := listen(t)
	b := &badServer{port: listener.Addr().(*net.TCPAddr).Port}
	var connections sync.WaitGroup
	stop := make(chan struct{})
	connections.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			b.connections++
			b.mu.Unlock()
			ended := make(chan struct{})
			connections.Go(func() {
				defer close(ended)
				defer conn.Close()
				serve(conn)
			})
			connections.Go(func() {
				select {
				case <-stop:
					conn.Close()
				case <-ended:
				}
			})
		}
	})
	t.Cleanup(func() { close(stop); listener.Close(); connections.Wait() })
	return b
}

func (b *badServer) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.connections
}

func (b *badServer) client() *SMTP {
	return &SMTP{
		Host: "127.0.0.1", Port: b.port, TLS: NoTLS, From: "monitor@example.org",
		stepLimit: 300 * time.Millisecond, endLimit: time.Second,
	}
}

// What a script may answer besides text.
const (
	silent  = "(silent)"
	hangsUp = "(hangs up)"
)

// script plays a mail server that is good but for the answers given by the first word
// of the command; "" is the greeting, and "." the end of the content. Of several
// answers the first comes first, and the last one again and again.
func script(answers map[string][]string) func(c net.Conn) {
	var mu sync.Mutex
	given := map[string]int{}
	usual := map[string]string{
		"": "220 mail.example", "EHLO": "250-mail.example\r\n250 AUTH PLAIN", "MAIL": "250 ok", "RCPT": "250 ok",
		"DATA": "354 go on", ".": "250 taken", "RSET": "250 ok", "QUIT": "221 bye", "AUTH": "235 welcome",
	}
	answer := func(command string) string {
		mu.Lock()
		defer mu.Unlock()
		if own := answers[command]; len(own) > 0 {
			given[command]++
			return own[min(given[command], len(own))-1]
		}
		if text := usual[command]; text != "" {
			return text
		}
		return "500 what?"
	}
	return func(c net.Conn) {
		reader := bufio.NewReader(c)
		for command, content := "", false; ; {
			switch text := answer(command); {
			case content && command != ".", text == silent:
			case text == hangsUp:
				return
			default:
				_, _ = io.WriteString(c, text+"\r\n")
				content = command == "DATA" && strings.HasPrefix(text, "354")
			}
			line, err := reader.ReadString('\n')
			if err != nil {
				return
			}
			command = strings.ToUpper(strings.Fields(line + " x")[0])
		}
	}
}
