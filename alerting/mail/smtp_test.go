package mail

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/mail"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// sendError is what a test expects; the texts of the library and of the system are not ours.
func sendError(t *testing.T, err error) *SendError {
	t.Helper()
	var failed *SendError
	if !errors.As(err, &failed) {
		t.Fatalf("error %v is not a SendError", err)
	}
	return failed
}

func TestSend(t *testing.T) {
	tests := []struct {
		name    string
		mode    TLSMode
		offered []string
		auth    AuthMethod
		want    []string // the methods that were used
	}{
		{name: "no login", mode: STARTTLS},
		{name: "no login over TLS", mode: ImplicitTLS},
		{name: "no login and no TLS", mode: NoTLS},
		{name: "nobody wants a login", mode: STARTTLS, offered: []string{"PLAIN"}, auth: AuthNone},
		{name: "plain", mode: STARTTLS, offered: []string{"LOGIN", "PLAIN"}, auth: AuthPlain, want: []string{"PLAIN"}},
		{name: "login", mode: STARTTLS, offered: []string{"LOGIN", "PLAIN"}, auth: AuthLogin, want: []string{"LOGIN"}},
		{name: "CRAM-MD5", mode: STARTTLS, offered: []string{"PLAIN", "CRAM-MD5"}, auth: AuthCRAMMD5, want: []string{"CRAM-MD5"}},
		{name: "XOAUTH2", mode: STARTTLS, offered: []string{"PLAIN", "XOAUTH2"}, auth: AuthXOAUTH2, want: []string{"XOAUTH2"}},
		{name: "plain over TLS", mode: ImplicitTLS, offered: []string{"PLAIN"}, auth: AuthPlain, want: []string{"PLAIN"}},
		{name: "login over TLS", mode: ImplicitTLS, offered: []string{"LOGIN"}, auth: AuthLogin, want: []string{"LOGIN"}},
		{name: "CRAM-MD5 over TLS", mode: ImplicitTLS, offered: []string{"CRAM-MD5"}, auth: AuthCRAMMD5, want: []string{"CRAM-MD5"}},
		{name: "XOAUTH2 over TLS", mode: ImplicitTLS, offered: []string{"XOAUTH2"}, auth: AuthXOAUTH2, want: []string{"XOAUTH2"}},
		{name: "plain to this machine", mode: NoTLS, offered: []string{"PLAIN"}, auth: AuthPlain, want: []string{"PLAIN"}},
		{name: "auto prefers plain", mode: STARTTLS, offered: []string{"CRAM-MD5", "LOGIN", "PLAIN"}, auth: AuthAuto, want: []string{"PLAIN"}},
		{name: "auto with login only", mode: STARTTLS, offered: []string{"XOAUTH2", "LOGIN"}, auth: AuthAuto, want: []string{"LOGIN"}},
		{name: "auto with CRAM-MD5 only", mode: STARTTLS, offered: []string{"CRAM-MD5"}, want: []string{"CRAM-MD5"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := startMailServer(t, test.mode, test.offered...)
			client := server.client(test.mode)
			client.Auth = test.auth
			if test.offered != nil {
				client.Username, client.Password = testUser, password
			}
			if err := client.Send(t.Context(), testMail("Alice@Example.ORG", 1)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, server.logins); diff != "" {
				t.Errorf("logins (-want +got):\n%s", diff)
			}
			letters := server.all()
			if len(letters) != 1 {
				t.Fatalf("%d mails have arrived", len(letters))
			}
			want := letter{from: "monitor@example.org", to: []string{"Alice@example.org"}, secure: test.mode != NoTLS}
			if diff := cmp.Diff(want, letters[0], cmp.AllowUnexported(letter{}), cmpopts.IgnoreFields(letter{}, "content")); diff != "" {
				t.Errorf("envelope (-want +got):\n%s", diff)
			}
			message, err := mail.ReadMessage(strings.NewReader(letters[0].content))
			if err != nil {
				t.Fatal(err)
			}
			if got := message.Header.Get("Subject"); got != "nas is unhealthy 1" {
				t.Errorf("subject %q", got)
			}
		})
	}
}

func TestSendRefuses(t *testing.T) {
	withTLS := startMailServer(t, STARTTLS, "LOGIN", "PLAIN", "CRAM-MD5", "XOAUTH2")
	withoutTLS := startMailServer(t, NoTLS, "PLAIN")
	noLogin := startMailServer(t, STARTTLS)
	tests := []struct {
		name   string
		server *mailServer
		set    func(s *SMTP)
		want   SendError
		text   string // what Text holds
	}{
		{
			name: "certificate that is not trusted", server: withTLS,
			set:  func(s *SMTP) { s.TLSConfig = &tls.Config{RootCAs: x509.NewCertPool()} },
			want: SendError{Temporary: true, Reason: ReasonTLS}, text: "unknown authority",
		},
		{
			name: "certificate of another name", server: withTLS,
			set:  func(s *SMTP) { s.TLSConfig.ServerName = "other.example" },
			want: SendError{Temporary: true, Reason: ReasonTLS}, text: "other.example",
		},
		{
			name: "no STARTTLS", server: withoutTLS, set: func(s *SMTP) { s.TLS = "" },
			want: SendError{Temporary: true, Reason: ReasonTLS}, text: "does not offer STARTTLS",
		},
		{
			name: "TLS with a server that talks first", server: withoutTLS, set: func(s *SMTP) { s.TLS = ImplicitTLS },
			want: SendError{Temporary: true, Reason: ReasonTLS}, text: "does not look like a TLS handshake",
		},
		{
			name: "wrong password with plain", server: withTLS, set: wrongPassword(AuthPlain),
			want: SendError{Reason: ReasonAuth, Code: 454, Temporary: true}, text: "wrong user name",
		},
		{
			name: "wrong password with login", server: withTLS, set: wrongPassword(AuthLogin),
			want: SendError{Reason: ReasonAuth, Code: 454, Temporary: true}, text: "wrong user name",
		},
		{
			name: "wrong password with CRAM-MD5", server: withTLS, set: wrongPassword(AuthCRAMMD5),
			want: SendError{Reason: ReasonAuth, Code: 454, Temporary: true}, text: "wrong user name",
		},
		{
			name: "wrong token with XOAUTH2", server: withTLS, set: wrongPassword(AuthXOAUTH2),
			want: SendError{Reason: ReasonAuth, Code: 454, Temporary: true}, text: "wrong user name",
		},
		{
			name: "login that is not offered", server: noLogin, set: wrongPassword(AuthAuto),
			want: SendError{Reason: ReasonAuth, Temporary: true}, text: "the server offers no login",
		},
		{
			name: "method that is not offered", server: withoutTLS, set: wrongPassword(AuthLogin),
			want: SendError{Reason: ReasonAuth, Temporary: true}, text: `offers to log in with PLAIN, and here only "login" is allowed`,
		},
		{
			name: "password that cannot be read", server: withTLS,
			set: func(s *SMTP) {
				s.Username, s.Password = testUser, func() (string, error) { return "", errors.New("no such file") }
			},
			want: SendError{Reason: ReasonAuth, Temporary: true}, text: "reading the password: no such file",
		},
		{
			name: "empty password", server: withTLS,
			set:  func(s *SMTP) { s.Username, s.Password = testUser, func() (string, error) { return "\n", nil } },
			want: SendError{Reason: ReasonAuth, Temporary: true}, text: "the password is empty",
		},
		{
			name: "options", server: withTLS, set: func(s *SMTP) { s.From, s.Host = "me", "" },
			want: SendError{Reason: ReasonConnect, Temporary: true}, text: "host:",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client := test.server.client(STARTTLS)
			if test.server == withoutTLS {
				client.TLS = NoTLS
			}
			test.set(client)
			got := sendError(t, client.Send(t.Context(), testMail("alice@example.org", 1)))
			if diff := cmp.Diff(test.want, *got, cmpopts.IgnoreFields(SendError{}, "Text"), cmpopts.IgnoreUnexported(SendError{})); diff != "" {
				t.Errorf("error %v (-want +got):\n%s", got, diff)
			}
			if !strings.Contains(got.Text, test.text) {
				t.Errorf("text %q does not hold %q", got.Text, test.text)
			}
			if letters := test.server.all(); len(letters) > 0 {
				t.Errorf("%d mails have arrived", len(letters))
			}
		})
	}
}

func wrongPassword(method AuthMethod) func(s *SMTP) {
	return func(s *SMTP) {
		s.Auth, s.Username, s.Password = method, testUser, func() (string, error) { return "a bad one", nil }
	}
}

// TestChoose checks what may be said without encryption to another machine.
func TestChoose(t *testing.T) {
	offered := []string{"PLAIN", "LOGIN", "XOAUTH2", "CRAM-MD5"}
	for _, test := range []struct {
		auth    AuthMethod
		private bool
		want    AuthMethod
	}{
		{AuthAuto, true, AuthPlain},
		{AuthAuto, false, AuthCRAMMD5},
		{AuthPlain, false, ""},
		{AuthLogin, false, ""},
		{AuthXOAUTH2, false, ""},
		{AuthXOAUTH2, true, AuthXOAUTH2},
		{AuthCRAMMD5, false, AuthCRAMMD5},
	} {
		got, err := (&SMTP{Auth: test.auth}).choose(offered, test.private)
		if got != test.want || (err != nil) != (test.want == "") {
			t.Errorf("%s, private %t: %q, %v; want %q", test.auth, test.private, got, err, test.want)
		}
	}
}

func TestPasswordIsReadAnew(t *testing.T) {
	server := startMailServer(t, STARTTLS, "PLAIN")
	client := server.client(STARTTLS)
	words := []string{"old", testPassword}
	client.Username, client.Password = testUser, func() (string, error) {
		word := words[0]
		words = words[1:]
		return word, nil
	}
	if err := client.Send(t.Context(), testMail("alice@example.org", 1)); err == nil {
		t.Error("the old password was taken")
	}
	if err := client.Send(t.Context(), testMail("alice@example.org", 2)); err != nil {
		t.Error(err)
	}
}

func TestDebug(t *testing.T) {
	for _, method := range []AuthMethod{AuthPlain, AuthLogin, AuthCRAMMD5, AuthXOAUTH2} {
		server := startMailServer(t, STARTTLS, "PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2")
		client := server.client(STARTTLS)
		client.Auth, client.Username, client.Password = method, testUser, password
		var dialogue bytes.Buffer
		client.Debug = &dialogue
		errs := client.SendAll(t.Context(), []*Message{testMail("alice@example.org", 1), testMail("nobody@example.org", 2)})
		if errs[0] != nil || errs[1] == nil {
			t.Fatal(errs)
		}
		text := dialogue.String()
		for _, want := range []string{
			"-- connected to 127.0.0.1:", "C: EHLO localhost\n", "C: STARTTLS\n", "-- encrypted with TLS 1.3\n",
			"-- logging in with " + string(method) + "\n", "C: RCPT TO:<alice@example.org>\n", "S: 550 5.1.1 no such user\n", "C: QUIT\n",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the dialogue does not hold %q:\n%s", method, want, text)
			}
		}
		// The first letters of the user name begin what two of the methods say.
		for _, secret := range []string{encoded(testUser)[:8], testPassword, encoded(testPassword), encoded("\x00" + testUser + "\x00" + testPassword)} {
			if strings.Contains(text, secret) {
				t.Errorf("%s: the dialogue holds credentials:\n%s", method, text)
			}
		}
	}
}

// TestErrorsHoldNoPassword logs in to a server that repeats what it was told.
func TestErrorsHoldNoPassword(t *testing.T) {
	secret := encoded("\x00" + testUser + "\x00" + testPassword)
	server := startBadServer(t, script(map[string][]string{"AUTH": {"535 not with " + testPassword + " or " + secret + " or " + encoded(testPassword)}}))
	client := server.client()
	var dialogue bytes.Buffer
	client.Auth, client.Username, client.Password, client.Debug = AuthPlain, testUser, password, &dialogue
	err := sendError(t, client.Send(t.Context(), testMail("alice@example.org", 1)))
	want := SendError{Temporary: true, Reason: ReasonAuth, Code: 535, Text: "not with (masked) or (masked) or (masked)"}
	if diff := cmp.Diff(want, *err, cmpopts.IgnoreUnexported(SendError{})); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	if text := dialogue.String(); !strings.Contains(text, "535 not with (masked)") || strings.Contains(text, testPassword) || strings.Contains(text, secret) {
		t.Errorf("dialogue:\n%s", text)
	}
}

func TestCheck(t *testing.T) {
	good := func() *SMTP { return &SMTP{Host: "mail.example", From: "me@example.org"} }
	tests := []struct {
		name string
		set  func(s *SMTP)
		want string
	}{
		{"least", func(*SMTP) {}, ""},
		{"most", func(s *SMTP) {
			*s = SMTP{
				Host: "::1", Port: 25, TLS: NoTLS, Auth: AuthXOAUTH2, Username: "me", Password: password,
				From: `"The Monitor" <me@nas>`, Hello: "[127.0.0.1]",
			}
		}, ""},
		{"nothing", func(s *SMTP) { *s = SMTP{} }, `host: "" is not allowed, must be a host name or an IP address` + "\n" +
			`from: "" is not allowed, must be one address such as me@example.org or Monitor <me@example.org>`},
		{"all wrong", func(s *SMTP) {
			*s = SMTP{
				Host: "mail.example:25", Port: 70000, TLS: "ssl", Auth: "digest", Username: "a\nb", From: "a@x.org, b@x.org",
				Hello: "a b",
			}
		}, `host: "mail.example:25" is not allowed, must be a host name or an IP address
port: 70000 is not allowed, must be 1 to 65535, or 0 for the default
tls: "ssl" is not allowed, must be one of starttls, tls, none
auth: "digest" is not allowed, must be one of auto, plain, login, cram-md5, xoauth2, none
username: "a\nb" is not allowed, must be printable
password: a user name needs one
from: "a@x.org, b@x.org" is not allowed, must be one address such as me@example.org or Monitor <me@example.org>
hello: "a b" is not allowed, must be a host name or an IP address in brackets`},
		{"login without a name", func(s *SMTP) { s.Auth = AuthPlain }, "username: plain needs one"},
		{
			"password for everybody", func(s *SMTP) { s.TLS, s.Auth, s.Username, s.Password = NoTLS, AuthPlain, "me", password },
			"auth: plain without TLS is allowed only to this machine, since it shows the password to the network",
		},
		{"CRAM-MD5 shows none", func(s *SMTP) { s.TLS, s.Auth, s.Username, s.Password = NoTLS, AuthCRAMMD5, "me", password }, ""},
		{
			"sender with a line end", func(s *SMTP) { s.From = "me@example.org\r\nBcc: you@example.org" },
			`from: "me@example.org\r\nBcc: you@example.org" is not allowed, must be one address such as me@example.org or Monitor <me@example.org>`,
		},
		{
			"sender that shows something else", func(s *SMTP) { s.From = "=?utf-8?q?a=E2=80=AEb?= <me@example.org>" },
			`from: "=?utf-8?q?a=E2=80=AEb?= <me@example.org>" is not allowed, must be one address such as me@example.org or Monitor <me@example.org>`,
		},
		{
			"sender that hides something", func(s *SMTP) { s.From = "=?utf-8?q?a=0D=0ABcc:_x?= <me@example.org>" },
			`from: "=?utf-8?q?a=0D=0ABcc:_x?= <me@example.org>" is not allowed, must be one address such as me@example.org or Monitor <me@example.org>`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			options := good()
			test.set(options)
			got := ""
			if err := options.Check(); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAddress(t *testing.T) {
	for mode, want := range map[TLSMode]string{"": "[::1]:587", STARTTLS: "[::1]:587", ImplicitTLS: "[::1]:465", NoTLS: "[::1]:25"} {
		if got := (&SMTP{Host: "::1", TLS: mode}).address(); got != want {
			t.Errorf("%q: %s, want %s", mode, got, want)
		}
	}
	if got := (&SMTP{Host: "mail.example", Port: 2525}).address(); got != "mail.example:2525" {
		t.Error(got)
	}
}
