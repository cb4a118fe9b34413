package alertmanager

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
)

// receiver is a server that takes alerts, or does something else instead.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	posts  []receivedPost                                      // guarded by mu
	answer func(http.ResponseWriter, *http.Request, int) error // guarded by mu; nil accepts
}

type receivedPost struct {
	path, contentType, auth string
	at                      time.Time
	alerts                  []Alert
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := new(receiver)
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	p := receivedPost{path: req.URL.Path, contentType: req.Header.Get("Content-Type"), auth: req.Header.Get("Authorization"), at: time.Now()}
	if err := json.NewDecoder(req.Body).Decode(&p.alerts); err != nil {
		http.Error(w, err.Error(), http.StatusTeapot)
		return
	}
	r.mu.Lock()
	r.posts = append(r.posts, p)
	answer, n := r.answer, len(r.posts)
	r.mu.Unlock()
	if answer != nil {
		if err := answer(w, req, n); err != nil {
			http.Error(w, err.Error(), http.StatusTeapot)
		}
	}
}

// answerWith has it answer with the status from now on.
func (r *receiver) answerWith(code int) {
	r.answerBy(func(w http.ResponseWriter, _ *http.Request, _ int) error {
		w.WriteHeader(code)
		_, err := io.WriteString(w, "\"because of\n this\"")
		return err
	})
}

func (r *receiver) answerBy(answer func(http.ResponseWriter, *http.Request, int) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func (r *receiver) all() []receivedPost {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.posts)
}

// text is a post as "+" for each alert that fires then, "-" for each that does not.
func (p *receivedPost) text() string {
	var list []string
	for _, a := range p.alerts {
		sign := "-"
		if a.EndsAt.After(p.at) {
			sign = "+"
		}
		list = append(list, sign+a.Labels["target"]+" "+a.Labels["state"])
	}
	return strings.Join(list, ", ")
}

// distinct are the posts, without those like the one before.
func (r *receiver) distinct() []string {
	var list []string
	for _, p := range r.all() {
		list = append(list, p.text())
	}
	return slices.Compact(list)
}

// crowd is subjects that change while they are pushed, and the journal of that.
type crowd struct {
	mu      sync.Mutex
	targets map[string]alerting.Subject // guarded by mu
	journal []alerting.Event            // guarded by mu
	looks   int                         // guarded by mu
	changed chan struct{}
}

func newCrowd() *crowd {
	return &crowd{changed: make(chan struct{}, 1), targets: map[string]alerting.Subject{}}
}

func (c *crowd) set(name string, v health.Verdict) {
	c.mu.Lock()
	s, known := c.targets[name]
	e := alerting.Event{Seq: uint64(len(c.journal)) + 1, Kind: alerting.Target, Name: name, What: alerting.StateChanged}
	e.Change = alerting.Change{Time: time.Now(), From: s.State, To: v}
	if !known {
		s = alerting.Subject{Kind: alerting.Target, Name: name}
		e.What = alerting.Registered
	}
	s.State, s.Since = v, time.Now()
	c.targets[name] = s
	c.journal = append(c.journal, e)
	c.mu.Unlock()
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// subject is one of them, as it is now.
func (c *crowd) subject(_ alerting.Kind, name string) *alerting.Subject {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looks++
	if s, there := c.targets[name]; there {
		return &s
	}
	return nil
}

// tell has a read the journal until ctx is done.
func (c *crowd) tell(ctx context.Context, a *Pusher) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.changed:
			c.step(a)
		}
	}
}

// step has a read what is new.
func (c *crowd) step(a *Pusher) {
	seq, ok := a.Cursor()
	c.mu.Lock()
	var all []*alerting.Subject
	for _, s := range c.targets {
		all = append(all, &s)
	}
	list, head := slices.Clone(c.journal[min(int(seq), len(c.journal)):]), uint64(len(c.journal))
	c.mu.Unlock()
	if !ok {
		_ = a.Begin(slices.Values(all), head)
	} else if len(list) > 0 {
		_ = a.Take(list)
	}
}

// pushing is an Alertmanagers that runs.
type pushing struct {
	*Pusher
	stop func() // waits until it has ended
}

// push runs a, with short times where none are given.
func (c *crowd) push(t *testing.T, a *Pusher) *pushing {
	t.Helper()
	if a.Instance == "" {
		a.Instance = "x:1"
	}
	if a.Resend == 0 {
		a.Resend = time.Hour
	}
	if a.times.gap == 0 {
		a.times.gap = 10 * time.Millisecond
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	a.Subject = c.subject
	c.step(a)
	go func() { ended <- a.Run(ctx) }()
	var reading sync.WaitGroup
	reading.Go(func() { c.tell(ctx, a) })
	stop := sync.OnceFunc(func() {
		cancel()
		reading.Wait()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(10 * time.Second):
			t.Error("Run has not ended")
		}
	})
	t.Cleanup(stop)
	return &pushing{a, stop}
}

// eventually waits until try succeeds.
func eventually(t *testing.T, try func() error) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// awaitDistinct waits until that was pushed, and nothing else.
func (r *receiver) awaitDistinct(t *testing.T, want ...string) {
	t.Helper()
	eventually(t, func() error {
		if got := r.distinct(); !slices.Equal(got, want) {
			return fmt.Errorf("pushed was %q, want %q", got, want)
		}
		return nil
	})
}

func checkLeaks(t *testing.T) {
	t.Helper()
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}

// keep is a Save that keeps what it is given in a map.
type keep struct {
	mu    sync.Mutex
	parts map[string][]byte // guarded by mu
}

func (k *keep) save(changed map[string][]byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for key, part := range changed {
		if part == nil {
			delete(k.parts, key)
		} else {
			k.parts[key] = part
		}
	}
	return nil
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
