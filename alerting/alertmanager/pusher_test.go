package alertmanager

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
)

// The end of the old state and the beginning of the new one come together, at once.
func TestPushChanges(t *testing.T) {
	checkLeaks(t)
	r, c := newReceiver(t), newCrowd()
	c.set("well", healthy)
	c.set("nas", degraded)
	p := c.push(t, &Pusher{URLs: []string{r.URL + "/prefix/"}})
	r.awaitDistinct(t, "+nas degraded")
	c.set("nas", unhealthy)
	r.awaitDistinct(t, "+nas degraded", "-nas degraded, +nas unhealthy")
	c.set("tv", unhealthy)
	r.awaitDistinct(t, "+nas degraded", "-nas degraded, +nas unhealthy", "+tv unhealthy")
	c.set("nas", healthy)
	r.awaitDistinct(t, "+nas degraded", "-nas degraded, +nas unhealthy", "+tv unhealthy",
		"-nas degraded, -nas unhealthy, +nas healthy")

	for _, post := range r.all() {
		if post.path != "/prefix/api/v2/alerts" || post.contentType != "application/json" || post.auth != "" {
			t.Errorf("posted %+v", post)
		}
		for _, a := range post.alerts {
			if left := a.EndsAt.Sub(post.at); left > 0 && (left > 4*time.Hour || left < 4*time.Hour-time.Minute) {
				t.Errorf("an alert that fires ends in %v, want 4 times Resend", left)
			}
		}
	}
	eventually(t, func() error {
		if s := p.Stats(); s.Untold != 0 || s.Instances[0].Sent != 7 || s.LastSuccess().IsZero() {
			return fmt.Errorf("stats %+v", s)
		}
		return nil
	})
}

// Everything is told again each Resend; ends do not move, and are told for Retention.
func TestPushAgain(t *testing.T) {
	r, c := newReceiver(t), newCrowd()
	c.set("nas", degraded)
	p := c.push(t, &Pusher{URLs: []string{r.URL}, Resend: 50 * time.Millisecond, times: times{retention: 400 * time.Millisecond}})
	r.awaitDistinct(t, "+nas degraded")
	c.set("nas", unhealthy)
	r.awaitDistinct(t, "+nas degraded", "-nas degraded, +nas unhealthy", "+nas unhealthy")
	p.stop()
	var (
		ends   []time.Time
		firing int
	)
	for _, post := range r.all() {
		for _, a := range post.alerts {
			switch a.Labels["state"] {
			case "degraded":
				if !a.EndsAt.After(post.at) {
					ends = append(ends, a.EndsAt)
				}
			case "unhealthy":
				firing++
			}
		}
	}
	if len(slices.Compact(slices.Clone(ends))) != 1 || len(ends) < 3 || firing <= len(ends) {
		t.Errorf("the end was told %d times: %v; the other alert %d times", len(ends), ends, firing)
	}
}

// The program ends: that is not a recovery. All is told once more.
func TestPushEndsWithoutResolving(t *testing.T) {
	checkLeaks(t)
	r, c := newReceiver(t), newCrowd()
	c.set("nas", unhealthy)
	p := c.push(t, &Pusher{URLs: []string{r.URL}, Resend: time.Minute, times: times{absence: 2 * time.Hour}})
	r.awaitDistinct(t, "+nas unhealthy")
	before := len(r.all())
	p.stop()
	got := r.all()[before:]
	if len(got) != 1 || got[0].text() != "+nas unhealthy" {
		t.Fatalf("at the end was pushed %v", got)
	}
	if left := got[0].alerts[0].EndsAt.Sub(got[0].at); left < 2*time.Hour-time.Minute || left > 2*time.Hour {
		t.Errorf("it goes on firing for %v, want 2h", left)
	}
}

// After a restart it goes on as if there had been none, whatever happened meanwhile.
func TestPushAfterRestart(t *testing.T) {
	r, c, k := newReceiver(t), newCrowd(), &keep{parts: map[string][]byte{}}
	r.answerBy(func(http.ResponseWriter, *http.Request, int) error {
		k.mu.Lock()
		defer k.mu.Unlock()
		if len(k.parts) == 0 {
			return errors.New("told before it was saved")
		}
		return nil
	})
	c.set("nas", unhealthy)
	c.set("tv", unhealthy)
	p := c.push(t, &Pusher{URLs: []string{r.URL}, Save: k.save})
	r.awaitDistinct(t, "+nas unhealthy, +tv unhealthy")
	p.stop()
	c.set("nas", healthy) // while nobody looks
	p = c.push(t, &Pusher{URLs: []string{r.URL}, Save: k.save, Saved: k.parts})
	want := []string{"+nas unhealthy, +tv unhealthy", "-nas unhealthy, +nas healthy, +tv unhealthy"}
	r.awaitDistinct(t, want...)
	p.stop()
	starts := map[time.Time]bool{}
	for _, post := range r.all() {
		starts[post.alerts[len(post.alerts)-1].StartsAt] = true
	}
	if len(starts) != 1 {
		t.Errorf("tv is unhealthy since %v", starts)
	}
	// What cannot be read is forgotten, and nothing else.
	var log bytes.Buffer
	k.parts[alerting.Key(alerting.Target, "tv")] = []byte("{")
	p = c.push(t, &Pusher{URLs: []string{r.URL}, Saved: k.parts, Log: slog.New(slog.NewTextHandler(&log, nil))})
	r.awaitDistinct(t, want...)
	p.stop()
	if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "tv") {
		t.Errorf("log:\n%s", log.String())
	}
}

// One that hangs delays neither the others nor the end.
func TestPushOneHangs(t *testing.T) {
	checkLeaks(t)
	good, hanging, c := newReceiver(t), newReceiver(t), newCrowd()
	hanging.answerBy(func(_ http.ResponseWriter, req *http.Request, _ int) error {
		<-req.Context().Done()
		return nil
	})
	p := c.push(t, &Pusher{
		URLs: []string{hanging.URL, good.URL}, times: times{timeout: time.Hour, farewell: 50 * time.Millisecond},
	})
	var want []string
	for n := range 5 {
		name := fmt.Sprint("nas", n)
		c.set(name, unhealthy)
		want = append(want, "+"+name+" unhealthy")
		good.awaitDistinct(t, want...)
	}
	eventually(t, func() error {
		if n := p.Stats().Untold; n != 0 {
			return fmt.Errorf("%d untold, although one of two has accepted them", n)
		}
		return nil
	})
	begin := time.Now()
	p.stop()
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %v to end", took)
	}
	if n := len(hanging.all()); n > 2 {
		t.Errorf("the one that hangs was asked %d times", n)
	}
}

// What cannot be saved is tried again with the next change, and told nevertheless.
func TestPushSaveFails(t *testing.T) {
	r, c, k := newReceiver(t), newCrowd(), &keep{parts: map[string][]byte{}}
	var log lockedBuffer
	full := true
	c.set("nas", unhealthy)
	c.push(t, &Pusher{
		URLs: []string{r.URL}, Resend: 20 * time.Millisecond, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Save: func(changed map[string][]byte) error { // called by one goroutine
			if full {
				full = strings.Count(log.String(), "\n") == 0 || len(r.all()) < 5
				return errors.New("disk full")
			}
			return k.save(changed)
		},
	})
	eventually(t, func() error {
		k.mu.Lock()
		defer k.mu.Unlock()
		if len(k.parts) == 0 {
			return errors.New("nothing was saved")
		}
		return nil
	})
	if strings.Count(log.String(), "\n") != 1 || !strings.Contains(log.String(), "disk full") {
		t.Errorf("log:\n%s", log.String())
	}
}

func TestPusherCheck(t *testing.T) {
	good := "x:1"
	tests := []struct {
		name string
		a    *Pusher
		want []string
	}{
		{"good", &Pusher{URLs: []string{"http://localhost:9093", "https://[::1]/am/"}, Instance: good}, nil},
		{"empty", &Pusher{}, []string{"Instance", "URLs"}},
		{"urls", &Pusher{Instance: good, URLs: []string{
			"localhost:9093", "ftp://a", "http://", "http://a?b", "http://a#b", "http://me:s3cret@a", "http://%zz:s3cret@a", "http://a", "http://a",
		}}, []string{"URLs[0]", "URLs[1]", "URLs[2]", "URLs[3]", "URLs[4]", "URLs[5]", "URLs[6]", "URLs[8]"}},
		{"times", &Pusher{URLs: []string{"http://a"}, Instance: good, Resend: -1}, []string{"Resend"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.a.Check()
			var fields []string
			if err != nil {
				for line := range strings.SplitSeq(err.Error(), "\n") {
					field, _, _ := strings.Cut(line, ":")
					fields = append(fields, field)
				}
				if strings.Contains(err.Error(), "s3cret") {
					t.Errorf("the error has the password: %v", err)
				}
				if run := test.a.Run(t.Context()); run == nil || !errors.Is(run, err) && !strings.Contains(run.Error(), err.Error()) {
					t.Errorf("Run: %v", run)
				}
			}
			if !slices.Equal(fields, test.want) {
				t.Errorf("faults in %q, want %q: %v", fields, test.want, err)
			}
		})
	}
}

// TestPushLooksAtWhatIsOpen: of subjects that are well it asks nothing once they have been
// so for a while, and one that was removed or not found again is not the same.
func TestPushLooksAtWhatIsOpen(t *testing.T) {
	r, c := newReceiver(t), newCrowd()
	for i := range 100 {
		c.set(fmt.Sprint("well", i), healthy)
	}
	c.set("nas", unhealthy)
	p := c.push(t, &Pusher{URLs: []string{r.URL}, times: times{gap: time.Millisecond}})
	r.awaitDistinct(t, "+nas unhealthy")
	c.set("nas", degraded)
	r.awaitDistinct(t, "+nas unhealthy", "-nas unhealthy, +nas degraded")
	p.stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.looks > 20 {
		t.Errorf("asked for %d subjects, though one has changed", c.looks)
	}
}

// TestPushRemoved: one of which nothing was remembered is told to be unregistered, with
// its address; and one that is not there, but was not removed, goes on.
func TestPushRemoved(t *testing.T) {
	r, c, k := newReceiver(t), newCrowd(), &keep{parts: map[string][]byte{}}
	c.set("nas", unhealthy)
	c.set("tv", healthy)
	p := c.push(t, &Pusher{URLs: []string{r.URL}, Save: k.save})
	r.awaitDistinct(t, "+nas unhealthy")
	p.stop()
	c.mu.Lock()
	clear(c.targets) // not found yet
	c.mu.Unlock()
	p = c.push(t, &Pusher{URLs: []string{r.URL}, Save: k.save, Saved: k.parts})
	eventually(t, func() error {
		if n := len(r.all()); n < 3 { // the last of before is one
			return fmt.Errorf("%d posts", n)
		}
		return nil
	})
	c.mu.Lock()
	tv := &alerting.Subject{Kind: alerting.Target, Name: "tv", Email: "me@example.org"}
	c.journal = append(c.journal, alerting.Event{
		Seq: uint64(len(c.journal)) + 1, Kind: alerting.Target, Name: "tv", What: alerting.Removed, Subject: tv,
		Change: alerting.Change{Time: time.Now(), To: healthy},
	})
	c.mu.Unlock()
	c.changed <- struct{}{}
	r.awaitDistinct(t, "+nas unhealthy", "+tv unregistered")
	p.stop()
	if got := r.distinct(); got[len(got)-1] != "+nas unhealthy, +tv unregistered" {
		t.Errorf("in the end %q", got)
	}
	last := r.all()[len(r.all())-1]
	if email := last.alerts[1].Labels["email"]; email != "me@example.org" {
		t.Errorf("told %q", email)
	}
}

// TestPushNotBeforeTheJournal: what has happened is not pushed before the journal tells of
// it, also of one that is remembered; over a restart, too.
func TestPushNotBeforeTheJournal(t *testing.T) {
	r, c, k := newReceiver(t), newCrowd(), &keep{parts: map[string][]byte{}}
	c.set("nas", unhealthy)
	c.set("tv", unhealthy)
	p := c.push(t, &Pusher{URLs: []string{r.URL}, Save: k.save})
	r.awaitDistinct(t, "+nas unhealthy, +tv unhealthy")
	now := func(name string, s health.Verdict) { // and nobody knows
		c.mu.Lock()
		defer c.mu.Unlock()
		subject := c.targets[name]
		subject.State = s
		c.targets[name] = subject
	}
	now("nas", healthy)
	c.set("tv", degraded)
	r.awaitDistinct(t, "+nas unhealthy, +tv unhealthy", "-tv unhealthy, +tv degraded")
	p.stop()
	p = c.push(t, &Pusher{URLs: []string{r.URL}, Save: k.save, Saved: k.parts})
	now("nas", degraded)
	c.set("tv", unhealthy)
	eventually(t, func() error {
		if got := r.distinct(); !strings.HasSuffix(got[len(got)-1], "+tv unhealthy") {
			return fmt.Errorf("pushed %q", got)
		}
		return nil
	})
	p.stop()
	for _, post := range r.distinct() {
		if strings.Contains(post, "nas") && !strings.Contains(post, "+nas unhealthy") {
			t.Errorf("pushed %q", post)
		}
	}
}

// TestPushNotProbed: what the journal says is not probed is told at once: it was not for
// long enough when that was noted.
func TestPushNotProbed(t *testing.T) {
	r, c := newReceiver(t), newCrowd()
	c.set("nas", unknown)
	p := c.push(t, &Pusher{URLs: []string{r.URL}})
	defer p.stop()
	c.mu.Lock()
	nas := c.targets["nas"]
	nas.Stalled = true
	c.targets["nas"] = nas
	c.journal = append(c.journal, alerting.Event{
		Seq: uint64(len(c.journal)) + 1, Kind: alerting.Target, Name: "nas", What: alerting.NotProbed, Change: alerting.Change{Time: time.Now()},
	})
	c.mu.Unlock()
	c.changed <- struct{}{}
	r.awaitDistinct(t, "+nas unknown")
}
