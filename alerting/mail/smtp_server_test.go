package mail

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

const (
	testUser     = "monitor"
	testPassword = "correct horse battery"
)

// mailServer is a good mail server that keeps what it is given.
type mailServer struct {
	port      int
	authority *x509.CertPool // what to trust
	methods   []string       // immutable: how one may log in

	mu          sync.Mutex
	logins      []string // guarded by mu, as all that follow: the methods that were used
	letters     []letter
	connections int
}

// letter is a mail with its envelope.
type letter struct {
	from    string
	to      []string
	secure  bool
	content string
}

func startMailServer(t testing.TB, mode TLSMode, methods ...string) *mailServer {
	t.Helper()
	certificate, pool := selfSigned(t)
	box := &mailServer{authority: pool, methods: methods}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &mailSession{box: box, conn: c}, nil
	}))
	server.Domain, server.AllowInsecureAuth = "mail.example", mode == NoTLS
	server.ErrorLog = log.New(io.Discard, "", 0)
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	var listener net.Listener = &countingListener{Listener: listen(t), box: box}
	box.port = listener.Addr().(*net.TCPAddr).Port
	switch mode {
	case ImplicitTLS:
		listener = tls.NewListener(listener, config)
	case STARTTLS:
		server.TLSConfig = config
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // ends with an error when it is closed
	}()
	t.Cleanup(func() { server.Close(); <-served })
	return box
}

// countingListener counts connections. Conversations would not do: with STARTTLS
// there are two over one.
type countingListener struct {
	net.Listener
	box *mailServer
}

// Accept waits for the next connection.
func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.box.mu.Lock()
		defer l.box.mu.Unlock()
		l.box.connections++
	}
	return conn, err
}

// client are the options for the server.
func (b *mailServer) client(mode TLSMode) *SMTP {
	return &SMTP{
		Host: "127.0.0.1", Port: b.port, TLS: mode, TLSConfig: &tls.Config{RootCAs: b.authority},
		From: "Monitor <monitor@example.org>", stepLimit: 5 * time.Second,
	}
}

func (b *mailServer) all() []letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.letters)
}

// mailSession is one conversation.
type mailSession struct {
	box  *mailServer
	conn *smtp.Conn
	mail letter
}

func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	s.mail.from = from
	return nil
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasPrefix(to, "nobody") {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	}
	s.mail.to = append(s.mail.to, to)
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	_, s.mail.secure = s.conn.TLSConnectionState()
	s.mail.content = string(content)
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.letters = append(s.box.letters, s.mail)
	return nil
}

func (s *mailSession) Reset()                   { s.mail = letter{} }
func (s *mailSession) Logout() error            { return nil }
func (s *mailSession) AuthMechanisms() []string { return s.box.methods }

// Auth checks a login by the method.
func (s *mailSession) Auth(method string) (sasl.Server, error) {
	done := func(ok bool) error {
		if !ok {
			return errors.New("wrong user name or password")
		}
		s.box.mu.Lock()
		defer s.box.mu.Unlock()
		s.box.logins = append(s.box.logins, method)
		return nil
	}
	check := func(user, password string) error { return done(user == testUser && password == testPassword) }
	switch method {
	case "PLAIN":
		return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
	case "LOGIN":
		return &exchange{challenges: []string{"Username:", "Password:"}, check: func(said []string) error { return check(said[0], said[1]) }}, nil
	case "CRAM-MD5":
		const challenge = "<1896.697170952@mail.example>"
		return &exchange{challenges: []string{challenge}, check: func(said []string) error {
			sum := hmac.New(md5.New, []byte(testPassword))
			sum.Write([]byte(challenge))
			return done(said[0] == testUser+" "+hex.EncodeToString(sum.Sum(nil)))
		}}, nil
	case "XOAUTH2":
		return &exchange{challenges: []string{""}, check: func(said []string) error {
			return done(said[0] == "user="+testUser+"\x01auth=Bearer "+testPassword+"\x01\x01")
		}}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

// exchange asks for one thing after the other and checks what was said.
type exchange struct {
	challenges []string
	asked      int
	said       []string
	check      func(said []string) error
}

// Next takes a response and gives the next challenge.
func (e *exchange) Next(response []byte) ([]byte, bool, error) {
	if response != nil {
		e.said = append(e.said, string(response))
	}
	if len(e.said) == len(e.challenges) {
		return nil, true, e.check(e.said)
	}
	challenge := e.challenges[e.asked]
	e.asked++
	return []byte(challenge), false, nil
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// selfSigned returns a certificate for the loopback address, and what trusts it.
func selfSigned(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// encoded is the text as a login sends it.
func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func password() (string, error) { return testPassword + "\n", nil }

// testMail is a mail with a number, so that one can be told from another.
func testMail(to string, number int) *Message {
	return &Message{
		To: to, Subject: "nas is unhealthy " + strconv.Itoa(number), Text: "It is.\n", HTML: "<p>It is.</p>\n",
		MessageID: "mail-" + strconv.Itoa(number), InReplyTo: "outage", Date: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC),
	}
}

// SendAll sends the mails, and tells for each whether that succeeded. Those that were not
// tried have the error of the one that was last.
func (s *SMTP) SendAll(ctx context.Context, mails []*Message) []error {
	var errs []error
	i := 0
	next := func() *Message {
		if i == len(mails) {
			return nil
		}
		i++
		return mails[i-1]
	}
	s.Carry(ctx, next, func(err error) { errs = append(errs, err) })
	for len(errs) < len(mails) {
		errs = append(errs, errs[len(errs)-1])
	}
	return errs
}

// Send sends the mail over a connection of its own.
func (s *SMTP) Send(ctx context.Context, m *Message) error {
	return s.SendAll(ctx, []*Message{m})[0]
}
