package client

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/internal/testport"
)

// recorder notes the requests that are made.
type recorder struct {
	mu   sync.Mutex
	seen []string // "METHOD path status", without repetitions
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	line := req.Method + " " + strings.TrimPrefix(req.URL.Path, "/api/v1/targets") + " " + resp.Status[:3]
	if n := len(r.seen); n == 0 || r.seen[n-1] != line {
		r.seen = append(r.seen, line)
	}
	return resp, nil
}

func (r *recorder) saw(line string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.seen, line)
}

func (r *recorder) ends(line string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.seen) > 0 && r.seen[len(r.seen)-1] == line
}

// take gives what was seen since the last call.
func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.seen
	r.seen = nil
	return list
}

// TestLease has a real exporter: the lease is renewed by the cheap call, which resumes
// nothing, and the program registers anew when there is nothing to renew.
func TestLease(t *testing.T) {
	address := testport.Reserve(t)
	exporter(t, address)
	requests := &recorder{}
	other := &Client{Exporter: "http://" + address}
	c := &Client{Exporter: "http://" + address, Recheck: 20 * time.Millisecond, HTTP: &http.Client{Transport: requests}}
	reg, err := c.Register(t.Context(), App{Name: "a", URL: "http://127.0.0.1:1", TTL: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reg.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	first, err := other.Target(t.Context(), "a")
	if err != nil || first.LeaseExpires == nil || time.Until(*first.LeaseExpires) > 30*time.Second {
		t.Fatalf("%+v %v", first, err)
	}
	eventually(t, "renewed", func() bool {
		info, err := other.Target(t.Context(), "a")
		return err == nil && info.LeaseExpires.After(*first.LeaseExpires) && info.Paused && requests.ends("POST /a/renew 200")
	})
	if diff := cmp.Diff([]string{"POST  201", "POST /a/pause 200", "POST /a/renew 200"}, withoutEarly(requests.take())); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}

	// Somebody registers it without a lease.
	if _, err := other.do(t.Context(), http.MethodPost, "", "", (&App{Name: "a", URL: "http://127.0.0.1:1"}).registration(), nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "leased again", func() bool {
		info, err := other.Target(t.Context(), "a")
		return err == nil && info.LeaseExpires != nil
	})
	// The exporter loses it.
	if _, err := other.do(t.Context(), http.MethodDelete, "a", "", nil, nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "registered again, and aware of it", func() bool {
		info, err := other.Target(t.Context(), "a")
		return err == nil && info.LeaseExpires != nil && requests.saw("POST  201")
	})
	if err := reg.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	seen := strings.Join(requests.take(), ", ")
	for _, want := range []string{"POST /a/renew 409, POST  200", "POST /a/renew 404, POST  201"} {
		if !strings.Contains(seen, want) {
			t.Errorf("no %q in %s", want, seen)
		}
	}
	if strings.Contains(seen, "GET") {
		t.Errorf("it asks, though renewing tells the same: %s", seen)
	}
	if _, err := other.Target(t.Context(), "a"); !gone(err) {
		t.Errorf("after Stop: %v", err)
	}
}

// withoutEarly drops a renewal that came before the pause.
func withoutEarly(seen []string) []string {
	if len(seen) > 1 && seen[1] == "POST /a/renew 200" {
		return append(seen[:1:1], seen[2:]...)
	}
	return seen
}

func TestTTLIsChecked(t *testing.T) {
	for ttl, want := range map[time.Duration]string{
		30 * time.Second: "", 24 * time.Hour: "", 0: "",
		29 * time.Second:         "TTL is 29s, must be between 30s and 24h0m0s",
		25 * time.Hour:           "TTL is 25h0m0s, must be between 30s and 24h0m0s",
		-time.Minute:             "TTL is -1m0s, must be between 30s and 24h0m0s",
		30500 * time.Millisecond: "TTL is 30.5s, must be whole seconds",
	} {
		err := (&App{Name: "a", URL: "http://127.0.0.1:1", TTL: ttl}).Validate()
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%v: %q, want %q", ttl, got, want)
		}
	}
}

// TestRenewsInTime: at a third of the term, however seldom it is looked after otherwise.
func TestRenewsInTime(t *testing.T) {
	for _, test := range []struct{ recheck, ttl, want time.Duration }{
		{0, 0, DefaultRecheck},
		{0, 30 * time.Second, 10 * time.Second},
		{time.Hour, 24 * time.Hour, time.Hour},
		{time.Hour, time.Hour, 20 * time.Minute},
	} {
		r := &Registration{client: &Client{Recheck: test.recheck}, app: App{TTL: test.ttl}}
		if got := r.every(); got != test.want {
			t.Errorf("recheck %v, ttl %v: every %v, want %v", test.recheck, test.ttl, got, test.want)
		}
	}
}
