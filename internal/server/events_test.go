package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/client/api"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/journal"
	"github.com/health-exporter/health_exporter/internal/server/access"
)

// happen puts events into the journal.
func (f *fixture) happen(events ...journal.Event) {
	f.t.Helper()
	publish, err := f.journal.Append(nil, events)
	if err != nil {
		f.t.Fatal(err)
	}
	publish()
}

// changes are n changes of state of the target nas.
func changes(n int) (list []journal.Event) {
	for range n {
		list = append(list, journal.Event{
			Time: time.Now(), Kind: journal.Target, Name: "nas", What: journal.StateChanged, From: health.Healthy, To: health.Degraded,
			Reason: "status 503 from http://me:sesame@10.0.0.1",
		})
	}
	return list
}

func (f *fixture) eventsOf(query string) (v api.Events) {
	f.t.Helper()
	if err := json.Unmarshal([]byte(f.page("/api/v1/events?"+query)), &v); err != nil {
		f.t.Fatal(err)
	}
	return v
}

func TestEvents(t *testing.T) {
	f := newFixture(t)
	if diff := cmp.Diff(api.Events{Events: []api.Event{}}, f.eventsOf("")); diff != "" {
		t.Error(diff)
	}
	f.happen(changes(1)...)
	f.happen(journal.Event{Time: time.Now(), Kind: journal.Check, Name: "disk", What: journal.Registered, Reason: "3 % free on /secret"})
	v := f.eventsOf("after=0")
	if len(v.Events) != 2 || v.Next != 2 || v.Reset {
		t.Fatalf("%+v", v)
	}
	first, second := v.Events[0], v.Events[1]
	if first.Seq != 1 || first.Kind != "target" || first.Name != "nas" || first.What != "state" || first.From != "HEALTHY" || first.To != "DEGRADED" ||
		!strings.HasPrefix(first.Reason, "status 503") || strings.Contains(first.Reason, "sesame") || first.Time.IsZero() {
		t.Errorf("%+v", first)
	}
	if second.Kind != "check" || second.What != "registered" || second.From != "" || second.Reason == "" {
		t.Errorf("%+v", second)
	}
	f.happen(changes(300)...)
	for query, want := range map[string]string{ // first, last, next
		"": "203 302 302", "limit=1": "302 302 302", "after=300": "301 302 302", "after=0&limit=3": "1 3 3", "limit=1000": "1 302 302",
		"after=302": "0 0 302",
	} {
		v, first, last := f.eventsOf(query), uint64(0), uint64(0)
		if n := len(v.Events); n > 0 {
			first, last = v.Events[0].Seq, v.Events[n-1].Seq
		}
		if got := fmt.Sprint(first, last, v.Next); got != want || v.Reset {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
	if v := f.eventsOf("after=1000"); !v.Reset || v.Next != 302 || len(v.Events) != 0 {
		t.Errorf("after what has not happened: %+v", v)
	}
	f.from = "203.0.113.9:1"
	hasNot(t, "the events for strangers", f.page("/api/v1/events?after=0&limit=2"), "/secret", "sesame")
	for _, query := range []string{"after=x", "after=-1", "limit=0", "limit=1001", "wait=61", "wait=1.5", "since=1"} {
		f.expect(http.StatusBadRequest, f.do("GET", "/api/v1/events?"+query, ""))
	}
	f.expect(http.StatusBadRequest, f.do("GET", "/api/v1/events", "", "Last-Event-ID", "x"))
}

// TestWaitingForEvents ends with the first one.
func TestWaitingForEvents(t *testing.T) {
	f := newFixture(t)
	answered := make(chan *httptest.ResponseRecorder)
	go func() { answered <- f.do("GET", "/api/v1/events?after=0&wait=60", "") }()
	f.happen(changes(1)...)
	var v api.Events
	if w := <-answered; json.Unmarshal(w.Body.Bytes(), &v) != nil || len(v.Events) != 1 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// listen serves the fixture over a real connection, and reads a stream.
func (f *fixture) listen(query string, header ...string) (lines func() string, close func()) {
	f.t.Helper()
	s := httptest.NewUnstartedServer(f.handler)
	s.Config.ReadTimeout, s.Config.WriteTimeout = 50*time.Millisecond, 100*time.Millisecond // streams are longer
	s.Start()
	r, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, s.URL+"/api/v1/events?"+query, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("Cache-Control") != "no-store" {
		f.t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	in := bufio.NewReader(resp.Body)
	return func() string {
			var b strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return b.String() + err.Error()
				}
				if line == "\n" {
					return b.String()
				}
				b.WriteString(line)
			}
		}, func() {
			resp.Body.Close()
			s.Close()
		}
}

func TestStream(t *testing.T) {
	f := newFixture(t)
	f.happen(changes(3)...)
	next, stop := f.listen("")
	if got := next(); got != "retry: 5000\nid: 3\n" {
		t.Errorf("it begins with %q", got)
	}
	time.Sleep(200 * time.Millisecond) // longer than the server's timeouts
	f.happen(changes(2)...)
	for _, seq := range []string{"4", "5"} {
		if got := next(); !strings.HasPrefix(got, "id: "+seq+"\ndata: {\"seq\":"+seq+",") || strings.Count(got, "\n") != 2 {
			t.Errorf("event %s: %q", seq, got)
		}
	}
	stop()
	next, stop = f.listen("after=1", "Last-Event-ID", "4")
	next()
	if got := next(); !strings.HasPrefix(got, "id: 5\ndata: ") {
		t.Errorf("after an interruption: %q", got)
	}
	stop()
	next, stop = f.listen("after=77")
	next()
	if got := next(); got != "event: reset\nid: 5\ndata: {\"next\":5}\n" {
		t.Errorf("whoever is behind is told %q", got)
	}
	f.happen(changes(1)...)
	if got := next(); !strings.HasPrefix(got, "id: 6\n") {
		t.Errorf("then: %q", got)
	}
	stop()
}

// TestStreamsEndAtShutdown: nobody who listens delays it.
func TestStreamsEndAtShutdown(t *testing.T) {
	f := newFixture(t)
	stopping, stop := context.WithCancel(context.Background())
	deps := f.deps
	deps.Stopping = stopping
	f.handler = New(deps)
	next, done := f.listen("")
	defer done()
	next()
	waiting := make(chan int)
	go func() { waiting <- f.do("GET", "/api/v1/events?wait=60", "").Code }()
	stop()
	if got := next(); got != io.EOF.Error() {
		t.Errorf("the stream ends with %q", got)
	}
	if code := <-waiting; code != http.StatusOK {
		t.Errorf("whoever waits gets %d", code)
	}
}

// TestManyWatchers of one address are refused, and let in again once others have left.
func TestManyWatchers(t *testing.T) {
	f := newFixture(t)
	stopping, stop := context.WithCancel(context.Background())
	deps := f.deps
	deps.Stopping = stopping
	s := New(deps)
	f.handler = s
	ended := make(chan int, maxWatchersPerAddress)
	for range maxWatchersPerAddress {
		go func() { ended <- f.do("GET", "/api/v1/events?wait=60", "").Code }()
	}
	var w *httptest.ResponseRecorder
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if w = f.do("GET", "/api/v1/events?wait=1&after=99", ""); w.Code == http.StatusTooManyRequests { // all have come
			break
		}
	}
	f.expect(http.StatusTooManyRequests, w)
	if w.Header().Get("Retry-After") == "" {
		t.Error("nobody says when to try again")
	}
	f.expect(http.StatusOK, f.do("GET", "/api/v1/events", "")) // who does not wait needs no room
	stop()
	for range maxWatchersPerAddress {
		<-ended
	}
	f.expect(http.StatusOK, f.do("GET", "/api/v1/events?wait=1", ""))
}

// TestSlowReaders are cut off: nothing is kept for them.
func TestSlowReaders(t *testing.T) {
	f := newFixture(t)
	ended := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		r.Host = "exporter"
		f.handler.ServeHTTP(&hurried{w}, r)
	}))
	defer s.Close()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /api/v1/events HTTP/1.1\r\nHost: exporter\r\nAccept: text/event-stream\r\n\r\n")
	for {
		select {
		case <-ended:
			return
		default:
			f.happen(changes(1000)...) // more than any buffer holds, and nobody reads
			time.Sleep(time.Millisecond)
		}
	}
}

// hurried has less patience.
type hurried struct{ http.ResponseWriter }

func (h *hurried) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func (h *hurried) SetWriteDeadline(time.Time) error {
	return http.NewResponseController(h.ResponseWriter).SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
}

func TestWantsStream(t *testing.T) {
	for accept, want := range map[string]bool{
		"": false, "*/*": false, "text/event-stream": true, "application/json, Text/Event-Stream;q=0.9": true, "text/*": false, "text/event-streams": false,
	} {
		if wantsStream(accept) != want {
			t.Errorf("%q: %t", accept, !want)
		}
	}
}

// TestQuietStream says that it is still there, and ends after a while, so that it is looked
// anew at who listens.
func TestQuietStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{Deps: Deps{Events: journal.New(journal.Options{}), Maintenance: windows{}, Log: slog.New(slog.DiscardHandler)}}
		r := httptest.NewRequest(http.MethodGet, "/api/v1/events", nil)
		id := access.NewGate(nil).Identify(&access.Rules{}, r)
		r = r.WithContext(context.WithValue(r.Context(), visitKey{}, &visit{Identity: id}))
		w := httptest.NewRecorder()
		began := time.Now()
		s.stream(w, r, eventQuery{})
		if took := time.Since(began); took != streamLasts {
			t.Errorf("it ends after %s", took)
		}
		rest, ok := strings.CutPrefix(w.Body.String(), "retry: 5000\nid: 0\n\n")
		n := strings.Count(rest, ": still here\n\n")
		if most := int(streamLasts / heartbeat); !ok || n*len(": still here\n\n") != len(rest) || n < most-1 || n > most { // the last one is due when it ends
			t.Errorf("it says\n%s", w.Body)
		}
	})
}
