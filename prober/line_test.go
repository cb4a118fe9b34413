package prober

import (
	"strings"
	"testing"
)

// Of what a dialogue sends only that is shown of which it is known that it is no secret.
func TestShownLine(t *testing.T) {
	for line, want := range map[string]string{
		"EHLO prober": "EHLO prober", "STARTTLS": "STARTTLS", "QUIT": "QUIT", "a1 CAPABILITY": "a1 CAPABILITY", "NICK prober": "NICK prober",
		"USER prober prober prober :prober": "USER prober prober prober :prober", "PONG ${1}": "PONG ${1}", "SSH-2.0-blackbox-ssh-check": "SSH-2.0-blackbox-ssh-check",
		"MAIL FROM:<a@example.org>": "MAIL FROM:<a@example.org>", "GET / HTTP/1.1\r\nHost: x\r\n\r\n": "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"AUTH PLAIN swordfish": "AUTH ********", "PASS swordfish": "PASS ********", "a1 LOGIN me swordfish": "a1 LOGIN ********",
		"PRIVMSG NickServ :IDENTIFY swordfish": "PRIVMSG ********", "c3dvcmRmaXNo": "********", "SWORDFISH": "********", "swordfish": "********",
		"GET /x?token=swordfish HTTP/1.1\r\nAuthorization: Bearer swordfish\r\nX-Key:swordfish": "GET /x?******** HTTP/1.1\r\nAuthorization: ********\r\nX-Key: ********",
		`{"type":"auth","token":"swordfish"}`:                                                   "********", "auth swordfish": "auth ********", "": "", "AUTH LOGIN\nc3dvcmRmaXNo": "AUTH ********\n********",
	} {
		if got := ShownLine(line); got != want {
			t.Errorf("%q is shown as %q, want %q", line, got, want)
		}
	}
}

// A peer may send back what it was sent: the secrets of a module are hidden wherever they
// come back.
func TestSecretsOfModule(t *testing.T) {
	p := newHTTPProbe().(*httpProbe)
	p.Headers = map[string]string{"X-Key": "header-swordfish", "Accept": "text/html", "Authorization": "Bearer token-swordfish"}
	steps := []QueryResponse{{Send: "EHLO prober"}, {Send: "AUTH PLAIN line-swordfish"}, {Send: "PASS ${1}"}, {Send: `{"t":"q\"swordfish"}`}}
	for _, test := range []struct {
		options any
		text    string
	}{
		{p, "you sent header-swordfish to us"},
		{p, "token-swordfish"},
		{p, "Bearer token-swordfish"},
		{p, "aGVhZGVyLXN3b3JkZmlzaA=="},
		{&Dialogue{QueryResponse: steps}, "500 AUTH PLAIN line-swordfish?"},
		{&Dialogue{QueryResponse: steps}, `not {"t":"q\"swordfish"}`},
	} {
		if got := secretsOf(test.options).Replace(test.text); strings.Contains(got, "swordfish") || !strings.Contains(got, hidden) {
			t.Errorf("%q becomes %q", test.text, got)
		}
		for _, text := range []string{"prober", "text/html", "EHLO", "AUTH", "PASS"} {
			if got := secretsOf(test.options).Replace(text); got != text {
				t.Errorf("%q becomes %q", text, got)
			}
		}
	}
	if secretsOf(newTCPProbe()) != nil {
		t.Error("a module without secrets looks for some")
	}
}
