package outbox

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/alerting/mail"
	"github.com/health-exporter/health_exporter/health"
)

// smtpServer takes mails, or hangs up in the middle of them when it is let.
type smtpServer struct {
	listener net.Listener
	work     sync.WaitGroup

	mu   sync.Mutex
	dies int           // of so many mails it takes only the headers
	die  chan struct{} // then it waits for this, and hangs up
	ids  []string      // of all mails it has seen, also in part
	got  []string      // subjects of those that it has taken
}

func serveSMTP(t *testing.T, dies int) *smtpServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &smtpServer{listener: listener, dies: dies, die: make(chan struct{})}
	s.work.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.work.Go(func() { s.talk(conn) })
		}
	})
	t.Cleanup(func() { listener.Close(); s.work.Wait() })
	return s
}

func (s *smtpServer) talk(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewScanner(conn)
	say := func(line string) { fmt.Fprint(conn, line+"\r\n") }
	say("220 here")
	for in.Scan() {
		switch word, _, _ := strings.Cut(strings.ToUpper(in.Text()), " "); word {
		case "DATA":
			say("354 go on")
			if !s.take(in) {
				return
			}
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}

func (s *smtpServer) take(in *bufio.Scanner) bool {
	var id, subject string
	var text strings.Builder
	for in.Scan() && in.Text() != "." {
		fmt.Fprintln(&text, in.Text())
		name, value, _ := strings.Cut(in.Text(), ": ")
		switch name {
		case "Message-ID":
			id = value
			s.mu.Lock()
			s.ids = append(s.ids, id)
			s.mu.Unlock()
		case "Subject":
			subject = value
		}
		s.mu.Lock()
		dies := id != "" && subject != "" && s.dies > 0
		if dies {
			s.dies--
		}
		s.mu.Unlock()
		if dies {
			<-s.die
			return false
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, text.String())
	return true
}

func (s *smtpServer) seen() (ids, got []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.ids...), append([]string(nil), s.got...)
}

func (s *smtpServer) options(t *testing.T, dir string) Options {
	t.Helper()
	templates, err := mail.LoadTemplates("")
	if err != nil {
		t.Fatal(err)
	}
	address := s.listener.Addr().(*net.TCPAddr)
	return Options{
		Path: dir, Templates: templates, To: []string{"ops@example.org"}, Log: slog.New(slog.DiscardHandler), Wait: -1, Interval: -1,
		Sender: &mail.SMTP{Host: "127.0.0.1", Port: address.Port, TLS: mail.NoTLS, From: "health@example.org"},
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after 20 s it is still not so that %s", what)
		}
	}
}

// TestKilledInTheMiddleOfAMail: what the server has seen a part of when the program was
// killed is sent again as that mail, whatever was added to the queue before or since; and
// so it is if the server goes away.
func TestKilledInTheMiddleOfAMail(t *testing.T) {
	for name, more := range map[string]struct{ before, after bool }{"nothing more": {}, "more before": {before: true}, "more after": {after: true}, "more before and after": {true, true}} {
		for _, killed := range []bool{true, false} {
			if !killed && !(more.before && more.after) {
				continue // it pauses for some seconds
			}
			t.Run(fmt.Sprint(name, ", killed: ", killed), func(t *testing.T) {
				dir := t.TempDir()
				server := serveSMTP(t, 1)
				w := emptyWorld(t)
				w.begin(server.options(t, dir))
				w.set("nas", health.Unhealthy)
				w.tell()
				eventually(t, "the mail is under way", func() bool { ids, _ := server.seen(); return len(ids) == 1 })
				if more.before {
					w.set("tv", health.Unhealthy)
					w.tell()
				}
				again := t.TempDir()
				content, err := os.ReadFile(filepath.Join(dir, storeFile)) // as it is when the program is killed
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(again, storeFile), content, 0o600); err != nil {
					t.Fatal(err)
				}
				close(server.die)
				if killed {
					w.stop()
					w.begin(server.options(t, again))
				}
				if more.after {
					w.set("router", health.Unhealthy)
				}
				w.tell()
				names := []string{"nas"}
				if more.before {
					names = append(names, "tv")
				}
				if more.after {
					names = append(names, "router")
				}
				// Those that come after it are in one mail or in two.
				eventually(t, "all is told", func() bool {
					_, got := server.seen()
					mails := strings.Join(got, "\n")
					for _, name := range names {
						if !strings.Contains(mails, name+" ") {
							return false
						}
					}
					return w.outbox.Stats().Queued == 0
				})
				w.stop()
				ids, got := server.seen()
				if ids[1] != ids[0] || len(ids) != len(got)+1 || len(got) > len(names) || !strings.Contains(got[0], "nas") {
					t.Errorf("mails %q, taken %q", ids, got)
				}
				if slices.Contains(ids[2:], ids[0]) {
					t.Errorf("mails %q: more than once again", ids)
				}
			})
		}
	}
}

// TestFiguresDoNotWaitForTheDisk: while a write takes long, all that is asked of the outbox
// is answered.
func TestFiguresDoNotWaitForTheDisk(t *testing.T) {
	server := serveSMTP(t, 0)
	w := emptyWorld(t)
	opts := server.options(t, t.TempDir())
	opts.Wait = time.Hour
	w.begin(opts)
	defer func() { w.stop() }()
	w.set("nas", health.Healthy)
	w.tell()
	disk := &w.outbox.store.mu // as if the last write went on
	disk.Lock()
	told := make(chan struct{})
	go func() {
		defer close(told)
		w.set("nas", health.Unhealthy)
		w.tell()
	}()
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		for w.outbox.Stats().Queued == 0 {
			time.Sleep(time.Millisecond)
		}
		w.outbox.Reconfigure(opts)
	}()
	select {
	case <-answered:
	case <-time.After(10 * time.Second):
		t.Error("the figures wait for the disk")
	}
	select {
	case <-told:
		t.Error("what is not on disk yet is said to be")
	default:
	}
	disk.Unlock()
	<-told
}
