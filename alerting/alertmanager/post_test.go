package alertmanager

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/internal/testport"
)

// What each answer means: the reason, and whether it is tried again with the next
// change. All is tried again after Resend.
func TestPushRefused(t *testing.T) {
	tests := []struct {
		code   int
		reason string
		again  bool
	}{
		{400, "rejected", false}, // the good alerts were taken
		{401, "auth", true},
		{403, "auth", true},
		{404, "path", true},
		{405, "path", true},
		{410, "path", true},
		{413, "rejected", true},
		{415, "rejected", true},
		{422, "rejected", true},
		{429, "server", true},
		{500, "server", true},
		{503, "server", true},
		{301, "protocol", true},
		{302, "protocol", true},
		{307, "protocol", true},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.code), func(t *testing.T) {
			elsewhere, r, c := newReceiver(t), newReceiver(t), newCrowd()
			r.answerBy(func(w http.ResponseWriter, _ *http.Request, n int) error {
				if n > 1 {
					return nil
				}
				w.Header().Set("Location", elsewhere.URL)
				w.WriteHeader(test.code)
				_, err := io.WriteString(w, "\"because of\n this\"")
				return err
			})
			c.set("nas", unhealthy)
			<-c.changed // the first look sees it
			p := c.push(t, &Pusher{URLs: []string{r.URL}})
			eventually(t, func() error {
				i := p.Stats().Instances
				if len(i) != 1 || i[0].Failed[test.reason] != 1 || i[0].Sent != 0 || !i[0].LastSuccess.IsZero() ||
					!strings.HasSuffix(i[0].Error, `: "because of this"`) {
					return fmt.Errorf("stats %+v", i)
				}
				return nil
			})
			if got, want := p.Stats().Untold, map[bool]int{true: 1}[test.again]; got != want {
				t.Errorf("%d untold, want %d", got, want)
			}
			c.set("tv", unhealthy)
			want := []string{"+nas unhealthy", "+tv unhealthy"}
			if test.again {
				want[1] = "+nas unhealthy, +tv unhealthy"
			}
			r.awaitDistinct(t, want...)
			eventually(t, func() error {
				if i := p.Stats().Instances[0]; i.Error != "" || i.Sent == 0 {
					return fmt.Errorf("stats after success: %+v", i)
				}
				return nil
			})
			if n := len(elsewhere.all()); n > 0 {
				t.Error("it has followed a redirect")
			}
		})
	}
}

// No answer at all, and why.
func TestPushUnreachable(t *testing.T) {
	closed := testport.Reserve(t)
	silent, hangsUp, c := newReceiver(t), newReceiver(t), newCrowd()
	silent.answerBy(func(_ http.ResponseWriter, req *http.Request, _ int) error {
		<-req.Context().Done()
		return nil
	})
	hangsUp.answerBy(func(http.ResponseWriter, *http.Request, int) error { panic(http.ErrAbortHandler) })
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	urls := map[string]string{
		"http://" + closed: "connect",
		hangsUp.URL:        "connect",
		silent.URL:         "timeout",
		secure.URL:         "tls",
		strings.Replace(silent.URL, "http", "https", 1): "tls",
	}
	a := &Pusher{times: times{timeout: 700 * time.Millisecond}, Resend: 30 * time.Millisecond}
	for u := range urls {
		a.URLs = append(a.URLs, u)
	}
	var log lockedBuffer
	a.Log = slog.New(slog.NewTextHandler(&log, nil))
	c.set("nas", unhealthy)
	p := c.push(t, a)
	eventually(t, func() error {
		instances := p.Stats().Instances
		if len(instances) != len(urls) {
			return fmt.Errorf("stats %+v", instances)
		}
		for _, i := range instances {
			for reason, n := range i.Failed {
				if (n > 0) != (reason == urls[i.URL]) {
					return fmt.Errorf("%s: %d times %s, want %s: %s", i.URL, n, reason, urls[i.URL], i.Error)
				}
			}
			if i.Failed[urls[i.URL]] < 2 {
				return fmt.Errorf("%s was tried %d times", i.URL, i.Failed[urls[i.URL]])
			}
		}
		return nil
	})
	p.stop()
	if n := strings.Count(log.String(), "\n"); n != len(urls) {
		t.Errorf("%d lines for %d faults that last:\n%s", n, len(urls), log.String())
	}
	if p.Stats().Untold != 1 {
		t.Errorf("stats %+v", p.Stats())
	}
}

// An Alertmanager that was restarted closes our connection when it is used again: that
// is not a failure.
func TestPushAfterConnectionClosed(t *testing.T) {
	r, c := newReceiver(t), newCrowd()
	r.answerBy(func(_ http.ResponseWriter, _ *http.Request, n int) error {
		if n == 2 {
			panic(http.ErrAbortHandler)
		}
		return nil
	})
	p := c.push(t, &Pusher{URLs: []string{r.URL}})
	c.set("nas", unhealthy)
	r.awaitDistinct(t, "+nas unhealthy")
	c.set("tv", unhealthy)
	eventually(t, func() error {
		if i := p.Stats().Instances[0]; i.Sent != 2 || i.Error != "" || i.Failed["connect"] != 0 || len(r.all()) != 3 {
			return fmt.Errorf("%d requests, stats %+v", len(r.all()), i)
		}
		return nil
	})
}

// What an answer repeats of what we logged in with is not told to anybody.
func TestAnswersThatRepeatCredentials(t *testing.T) {
	for _, header := range []string{"", "Basic bWU6c3dvcmRmaXNo", "Bearer swordfish", "swordfish"} {
		sent, err := http.NewRequest(http.MethodPost, "http://a.example/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if header != "" {
			sent.Header.Set("Authorization", header)
		}
		for _, text := range []string{"not with " + header, "no: me:swordfish", "bWU6c3dvcmRmaXNo?", "the password swordfish is wrong", "plain"} {
			got := withoutCredentials(text, sent)
			if header != "" && (strings.Contains(got, "swordfish") || header[0] == 'B' && header[1] == 'a' && strings.Contains(got, "bWU6c3dvcmRmaXNo")) {
				t.Errorf("%s: %q becomes %q", header, text, got)
			}
			if text == "plain" && got != text || header == "" && got != text {
				t.Errorf("%s: %q becomes %q", header, text, got)
			}
		}
	}
	if got := withoutCredentials("x", nil); got != "x" {
		t.Error(got)
	}
}
