package harness

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// MailLimit is how long a mail may be on its way.
const MailLimit = 30 * time.Second

// Mailbox is an SMTP server with STARTTLS that keeps what it is given.
type Mailbox struct {
	Address string
	CAFile  string // the certificate to trust
	Refused string // a recipient that does not exist

	mu    sync.Mutex
	mails []Letter // guarded by mu
}

// Letter is a mail with its envelope.
type Letter struct {
	From    string
	To      []string
	TLS     bool
	Content string
}

// StartMailbox starts it on a free port of loopback, until the test ends.
func StartMailbox(t *testing.T) *Mailbox {
	t.Helper()
	certificate, caFile := selfSigned(t)
	box := &Mailbox{CAFile: caFile}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &mailSession{box: box, conn: c}, nil
	}))
	server.Domain = "localhost"
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.ErrorLog = log.New(io.Discard, "", 0)
	server.ReadTimeout, server.WriteTimeout = 10*time.Second, 10*time.Second
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	box.Address = listener.Addr().String()
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // ends with an error when it is closed
	}()
	t.Cleanup(func() {
		server.Close()
		<-served
	})
	return box
}

// selfSigned returns a certificate for the loopback address and a file with it.
func selfSigned(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mailbox"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:        true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// mailSession is one SMTP conversation.
type mailSession struct {
	box  *Mailbox
	conn *smtp.Conn
	mail Letter
}

// Mail and the following make it an smtp.Session.
func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	s.mail.From = from
	return nil
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if to == s.box.Refused {
		return &smtp.SMTPError{Code: 550, Message: "no such user"}
	}
	s.mail.To = append(s.mail.To, to)
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	content, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	_, s.mail.TLS = s.conn.TLSConnectionState()
	s.mail.Content = string(content)
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.mails = append(s.box.mails, s.mail)
	return nil
}

func (s *mailSession) Reset()        { s.mail = Letter{} }
func (s *mailSession) Logout() error { return nil }

// All returns what has arrived, in order.
func (b *Mailbox) All() []Letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.mails)
}

// Received is what a test compares of a mail.
type Received struct{ To, Subject string }

// About returns the mails that name the target in their subjects, in order.
func (b *Mailbox) About(target string) []Received {
	var list []Received
	for _, l := range b.All() {
		subject := l.Header("Subject")
		if slices.Contains(strings.Fields(subject), target) {
			list = append(list, Received{strings.Join(l.To, ", "), subject})
		}
	}
	return list
}

// Header is a header of the mail, decoded; an error is returned as the text.
func (l *Letter) Header(name string) string {
	message, err := mail.ReadMessage(strings.NewReader(l.Content))
	if err != nil {
		return err.Error()
	}
	text, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get(name))
	if err != nil {
		return err.Error()
	}
	return text
}

// Parts returns the bodies of the mail by media type.
func (l *Letter) Parts() (map[string]string, error) {
	message, err := mail.ReadMessage(strings.NewReader(l.Content))
	if err != nil {
		return nil, err
	}
	media, params, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil || media != "multipart/alternative" {
		return nil, fmt.Errorf("media type %q, %w", media, err)
	}
	bodies := map[string]string{}
	for r := multipart.NewReader(message.Body, params["boundary"]); ; {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return bodies, nil
		}
		if err != nil {
			return nil, err
		}
		media, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			return nil, err
		}
		bodies[media] = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
}

// MailConfig has the exporter mail by itself, at once.
func (b *Mailbox) MailConfig(more string) string {
	return fmt.Sprintf(`
alerting:
  external_url: http://monitor.example.org:10115
  email: {smarthost: %q, from: health@example.org, to: [ops@example.org], tls_config: {ca_file: %s, server_name: 127.0.0.1}, wait: 0s, interval: 0s}
registration: {allowed_emails: ["@example.org"]}
%s`, b.Address, b.CAFile, more)
}
