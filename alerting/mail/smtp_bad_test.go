package mail

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/health-exporter/health_exporter/internal/testport"
)

func TestSendToBadServers(t *testing.T) {
	tests := []struct {
		name    string
		answers map[string][]string
		want    SendError
	}{
		{"no service", map[string][]string{"": {"554 no service here"}}, SendError{Temporary: true, Reason: ReasonConnect, Code: 554, Text: "no service here"}},
		{"busy", map[string][]string{"": {"421 too busy"}}, SendError{Temporary: true, Reason: ReasonConnect, Code: 421, Text: "too busy"}},
		{"no mail server", map[string][]string{"": {"HTTP/1.1 400 Bad Request"}}, SendError{Temporary: true, Reason: ReasonProtocol, Text: `short response: "HTTP/1.1 400 Bad Request"`}},
		{"hangs up at once", map[string][]string{"": {hangsUp}}, SendError{Temporary: true, Reason: ReasonConnect, Text: "the connection was lost: EOF"}},
		{"knows no hello", map[string][]string{"EHLO": {"502 what?"}}, SendError{Temporary: true, Reason: ReasonProtocol, Code: 502, Text: "what?"}},
		{"sender refused", map[string][]string{"MAIL": {"553 not you"}}, SendError{Temporary: true, Reason: ReasonSender, Code: 553, Text: "not you"}},
		{"login wanted", map[string][]string{"MAIL": {"530 log in first"}}, SendError{Temporary: true, Reason: ReasonAuth, Code: 530, Text: "log in first"}},
		{"recipient refused", map[string][]string{"RCPT": {"550 no such user"}}, SendError{Reason: ReasonRecipient, Code: 550, Text: "no such user"}},
		{"greylisting", map[string][]string{"RCPT": {"451 come back later"}}, SendError{Temporary: true, Reason: ReasonRecipient, Code: 451, Text: "come back later"}},
		{"closes at the recipient", map[string][]string{"RCPT": {"421 good night"}}, SendError{Temporary: true, Reason: ReasonConnect, Code: 421, Text: "good night"}},
		{"no content wanted", map[string][]string{"DATA": {"554 no"}}, SendError{Reason: ReasonRejected, Code: 554, Text: "no"}},
		{"strange answer", map[string][]string{"DATA": {"250 taken already"}}, SendError{Temporary: true, Reason: ReasonProtocol, Code: 250, Text: "taken already"}},
		{"content refused", map[string][]string{".": {"552-too\r\n552 \x1b[31mbig"}}, SendError{Reason: ReasonRejected, Code: 552, Text: "too [31mbig"}},
		{"no space", map[string][]string{".": {"452 disk full"}}, SendError{Temporary: true, Reason: ReasonRejected, Code: 452, Text: "disk full"}},
		{"hangs up after the content", map[string][]string{".": {hangsUp}}, SendError{Temporary: true, Reason: ReasonConnect, Text: "the connection was lost: EOF", Uncertain: true}},
		{"silent", map[string][]string{"": {silent}}, SendError{Temporary: true, Reason: ReasonTimeout, Text: "the server took too long"}},
		{"silent after the recipient", map[string][]string{"RCPT": {silent}}, SendError{Temporary: true, Reason: ReasonTimeout, Text: "the server took too long"}},
		{"silent after the content", map[string][]string{".": {silent}}, SendError{Temporary: true, Reason: ReasonTimeout, Text: "the server took too long", Uncertain: true}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := startBadServer(t, script(test.answers))
			got := sendError(t, server.client().Send(t.Context(), testMail("alice@example.org", 1)))
			if diff := cmp.Diff(test.want, *got, cmpopts.IgnoreUnexported(SendError{})); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSendToWorseServers(t *testing.T) {
	refusing := testport.Listen(t)
	refusing.Close()
	inContent := func(c net.Conn) {
		buffer := make([]byte, 4096)
		for _, text := range []string{"220 hello", "250 hello", "250 ok", "250 ok", "354 go on"} {
			_, _ = io.WriteString(c, text+"\r\n")
			_, _ = c.Read(buffer)
		}
	}
	release := make(chan struct{})
	tests := []struct {
		name  string
		serve func(c net.Conn) // nil for none
		want  SendReason
		most  time.Duration
	}{
		{"refusing", nil, ReasonConnect, 300 * time.Millisecond},
		{"closing in the content", func(c net.Conn) { inContent(c); c.Close() }, ReasonConnect, time.Second},
		{"not reading the content", func(c net.Conn) { inContent(c); <-release }, ReasonTimeout, time.Second},
		{"one byte after the other", func(c net.Conn) { drip(c, "220 "+strings.Repeat("x", 400)) }, ReasonTimeout, 500 * time.Millisecond},
		{"an answer without end", func(c net.Conn) { drip(c, "220 hello\r\n"); flood(c) }, ReasonProtocol, 500 * time.Millisecond},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client := &SMTP{
				Host: "127.0.0.1", Port: refusing.Addr().(*net.TCPAddr).Port, TLS: NoTLS,
				From: "monitor@example.org", stepLimit: 300 * time.Millisecond, endLimit: time.Second,
			}
			if test.serve != nil {
				client.Port = startBadServer(t, test.serve).port
			}
			// More than the sockets take in, without the time that writing such a mail takes.
			content := bytes.Repeat([]byte("It is really a very long story.\r\n"), 1<<18)
			begin := time.Now()
			d, got := client.open(t.Context())
			if d != nil {
				_, got = d.transfer(prepared{to: "alice@example.org", content: content})
				d.close()
			}
			if test.name == "not reading the content" {
				close(release)
			}
			if took := time.Since(begin); got == nil || got.Reason != test.want || !got.Temporary || took > test.most+2*time.Second {
				t.Errorf("%v, temporary %t, after %s", got, got.Temporary, took)
			}
		})
	}
}

// drip sends a text slowly enough for no single read to take long.
func drip(c net.Conn, text string) {
	for _, b := range []byte(text) {
		if _, err := c.Write([]byte{b}); err != nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func flood(c net.Conn) {
	line := []byte(strings.Repeat("250-more\r\n", 1000))
	for {
		if _, err := c.Write(line); err != nil {
			return
		}
	}
}

// TestSteps pins that a step is bounded as a whole.
func TestSteps(t *testing.T) {
	t.Run("step", func(t *testing.T) {
		t.Parallel()
		server := startBadServer(t, func(c net.Conn) { drip(c, "220 "+strings.Repeat("x", 2000)) })
		client := server.client()
		begin := time.Now()
		err := sendError(t, client.Send(t.Context(), testMail("alice@example.org", 1)))
		if took := time.Since(begin); err.Reason != ReasonTimeout || took < client.stepLimit || took > 4*time.Second {
			t.Errorf("%v after %s", err, took)
		}
	})
	t.Run("the answer to the content has longer", func(t *testing.T) {
		t.Parallel()
		slow := script(map[string][]string{".": {hangsUp}})
		server := startBadServer(t, func(c net.Conn) {
			slow(c) // until the content has ended
			time.Sleep(600 * time.Millisecond)
			_, _ = io.WriteString(c, "250 taken\r\n")
		})
		client := server.client()
		client.endLimit = 10 * time.Second
		if err := client.Send(t.Context(), testMail("alice@example.org", 1)); err != nil {
			t.Error(err)
		}
	})
	t.Run("given up", func(t *testing.T) {
		t.Parallel()
		arrived := make(chan struct{})
		server := startBadServer(t, func(c net.Conn) {
			_, _ = io.WriteString(c, "220 hello\r\n")
			_, _ = c.Read(make([]byte, 100)) // by now the client waits for the answer to this
			close(arrived)
			_, _ = io.Copy(io.Discard, c)
		})
		client := server.client()
		client.stepLimit, client.endLimit = time.Minute, time.Minute
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { <-arrived; cancel() }()
		begin := time.Now()
		err := sendError(t, client.Send(ctx, testMail("alice@example.org", 1)))
		if took := time.Since(begin); err.Reason != ReasonTimeout || !errors.Is(err, context.Canceled) || took > 4*time.Second {
			t.Errorf("%v after %s", err, took)
		}
	})
}

func TestSendAll(t *testing.T) {
	server := startMailServer(t, STARTTLS)
	var mails []*Message
	for i, to := range []string{"a@example.org", "nobody@example.org", "b@example.org", "root", "c@example.org"} {
		mails = append(mails, testMail(to, i))
	}
	mails[4].Text = ""
	errs := server.client(STARTTLS).SendAll(t.Context(), append(mails, testMail("d@example.org", 5)))
	want := []*SendError{
		nil, {Reason: ReasonRecipient, Code: 550}, nil, {Reason: ReasonRecipient}, {Reason: ReasonRejected}, nil,
	}
	if diff := cmp.Diff(want, sendErrors(t, errs), cmpopts.IgnoreUnexported(SendError{}), cmpopts.IgnoreFields(SendError{}, "Text")); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a@example.org", "b@example.org", "d@example.org"}, recipients(server.all())); diff != "" {
		t.Errorf("recipients (-want +got):\n%s", diff)
	}
	if server.connections != 1 {
		t.Errorf("%d connections", server.connections)
	}
	if errs := server.client(STARTTLS).SendAll(t.Context(), nil); len(errs) != 0 || server.connections != 1 {
		t.Errorf("no mail: %v, %d connections", errs, server.connections)
	}
}

func sendErrors(t *testing.T, errs []error) []*SendError {
	t.Helper()
	var list []*SendError
	for _, err := range errs {
		if err == nil {
			list = append(list, nil)
			continue
		}
		list = append(list, sendError(t, err))
	}
	return list
}

func recipients(letters []letter) []string {
	var list []string
	for _, l := range letters {
		list = slices.Concat(list, l.to)
	}
	return list
}

// TestSendAllOverBrokenConnections counts connections: a server that ends one after
// some mails gets the others over the next, and a dead one is not asked for each mail.
func TestSendAllOverBrokenConnections(t *testing.T) {
	enough := []string{"250 ok", "250 ok", "421 enough for today", "250 ok"}
	tests := []struct {
		name        string
		answers     map[string][]string
		want        []SendReason // of four mails; empty for sent
		connections int
	}{
		{"enough for one connection", map[string][]string{"MAIL": enough}, []SendReason{"", "", "", ""}, 2},
		{"gone before a mail", map[string][]string{"MAIL": {"250 ok", hangsUp, "250 ok"}}, []SendReason{"", "", "", ""}, 2},
		{"gone in a mail", map[string][]string{".": {"250 taken", hangsUp, "250 taken"}}, []SendReason{"", "connect", "", ""}, 2},
		{"gone in the first mail", map[string][]string{".": {hangsUp, "250 taken"}}, []SendReason{"connect", "", "", ""}, 2},
		{"stuck at a recipient", map[string][]string{"RCPT": {silent, "250 ok"}}, []SendReason{"timeout", "", "", ""}, 2},
		{"closes at a recipient", map[string][]string{"RCPT": {"421 too many errors", "250 ok"}}, []SendReason{"connect", "", "", ""}, 2},
		{"stuck at the sender", map[string][]string{"MAIL": {silent, "250 ok"}}, []SendReason{"timeout", "timeout", "timeout", "timeout"}, 1},
		{"no login", map[string][]string{"MAIL": {"530 log in first"}}, []SendReason{"auth", "auth", "auth", "auth"}, 1},
		{"silent", map[string][]string{"": {silent}}, []SendReason{"timeout", "timeout", "timeout", "timeout"}, 1},
		{"silent when asked to forget", map[string][]string{"RCPT": {"550 no", "250 ok"}, "RSET": {silent}}, []SendReason{"recipient", "", "", ""}, 2},
		{"all refused", map[string][]string{"RCPT": {"550 no"}}, []SendReason{"recipient", "recipient", "recipient", "recipient"}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := startBadServer(t, script(test.answers))
			var mails []*Message
			for i := range 4 {
				mails = append(mails, testMail("alice@example.org", i))
			}
			var got []SendReason
			for _, err := range sendErrors(t, server.client().SendAll(t.Context(), mails)) {
				if err == nil {
					got = append(got, "")
					continue
				}
				got = append(got, err.Reason)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
			if server.count() != test.connections {
				t.Errorf("%d connections, want %d", server.count(), test.connections)
			}
		})
	}
}
