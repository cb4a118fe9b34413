package app

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// fakeMailServer takes mails, without TLS and login.
type fakeMailServer struct {
	address string

	mu   sync.Mutex
	text strings.Builder // guarded by mu; all that came
	held chan struct{}   // guarded by mu; no mail is confirmed until it is closed; nil for at once
}

// hold has the server confirm nothing until release.
func (b *fakeMailServer) hold() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held = make(chan struct{})
}

func (b *fakeMailServer) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.held)
	b.held = nil
}

func newFakeMailServer(t *testing.T) *fakeMailServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	box := &fakeMailServer{address: listener.Addr().String()}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &mailSession{box}, nil }))
	var work sync.WaitGroup
	work.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		_ = server.Close()
		work.Wait()
	})
	return box
}

func (b *fakeMailServer) received() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

type mailSession struct{ box *fakeMailServer }

func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (s *mailSession) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (s *mailSession) Reset()                               {}
func (s *mailSession) Logout() error                        { return nil }

func (s *mailSession) Data(r io.Reader) error {
	s.box.mu.Lock()
	_, err := io.Copy(&s.box.text, r)
	held := s.box.held
	s.box.mu.Unlock()
	if held != nil {
		<-held
	}
	return err
}
