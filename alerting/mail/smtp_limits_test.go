package mail

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestPatience: a server may take as long for each step as RFC 5321 gives it (4.5.3.2).
func TestPatience(t *testing.T) {
	for command, delay := range map[string]time.Duration{
		"": 5 * time.Minute, "EHLO": 5 * time.Minute, "MAIL": 5 * time.Minute, "RCPT": 5 * time.Minute, "DATA": 2 * time.Minute, ".": 10 * time.Minute,
	} {
		for _, tooLong := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				wait := delay - time.Second
				if tooLong {
					wait = delay + time.Second
				}
				if err := sendOverPipe(t, command, wait); (err != nil) != tooLong || tooLong && err.Reason != ReasonTimeout {
					t.Errorf("%q answered after %s: %v", command, wait, err)
				}
			})
		}
	}
}

// sendOverPipe sends a mail to a server that takes its time to answer one command.
func sendOverPipe(t *testing.T, slow string, wait time.Duration) *SendError {
	t.Helper()
	ours, theirs := net.Pipe()
	var serving sync.WaitGroup
	defer serving.Wait()
	defer ours.Close()
	serving.Go(func() { serveSlowly(theirs, slow, wait) })
	d := &dialogue{
		smtp: &SMTP{Host: "mail.example", TLS: NoTLS, From: "monitor@example.org"}, ctx: context.Background(),
		conn: &stepConn{Conn: ours}, mask: masking("", ""), release: func() bool { return true },
	}
	if err := d.greet(); err != nil {
		return err
	}
	_, err := d.transfer(prepared{to: "alice@example.org", content: []byte("Subject: x\r\n\r\nx\r\n")})
	return err
}

// serveSlowly is a good server but for one answer.
func serveSlowly(c net.Conn, slow string, wait time.Duration) {
	defer c.Close()
	answers := map[string]string{"": "220 hello", "EHLO": "250 hello", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on", ".": "250 taken"}
	reader := bufio.NewReader(c)
	content := false
	for command := ""; ; {
		if !content || command == "." {
			if command == slow {
				time.Sleep(wait)
			}
			if _, err := io.WriteString(c, answers[command]+"\r\n"); err != nil {
				return
			}
			content = command == "DATA"
		}
		line, err := reader.ReadString('\n')
		if err != nil {
			return
		}
		command = strings.ToUpper(strings.Fields(line + " x")[0])
	}
}
