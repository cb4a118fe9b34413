package collector

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/health-exporter/health_exporter/prober/schedule"
)

func TestContentType(t *testing.T) {
	const (
		text        = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
		openMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"
	)
	page := NewPage(fixed(), nil, nil)
	for _, test := range []struct{ name, accept, want string }{
		{"nothing asked", "", text},
		{"anything", "*/*", text},
		{"browser", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", text},
		{"protobuf only", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited", text},
		{"Prometheus 2", "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", openMetrics},
		{"Prometheus 3", "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,*/*;q=0.1", strings.Replace(openMetrics, "underscores", "allow-utf-8", 1)},
		{"text preferred", "application/openmetrics-text;version=1.0.0;q=0.1,text/plain;version=0.0.4", text},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
			r.Header.Set("Accept", test.accept)
			w := httptest.NewRecorder()
			page.ServeHTTP(w, r)
			if got := w.Header().Get("Content-Type"); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if got, want := strings.HasSuffix(w.Body.String(), "# EOF\n"), test.want != text; got != want {
				t.Errorf("# EOF: %v, want %v", got, want)
			}
		})
	}
	if TextContentType != text {
		t.Errorf("TextContentType is %q", TextContentType)
	}
}

func TestGzip(t *testing.T) {
	page := NewPage(fixed(), nil, nil)
	plain := get(t, page, "")
	for accept, want := range map[string]bool{
		"": false, "gzip": true, "deflate, GZIP;q=0.5": true, "gzip;q=0": false, "gzip;q=0.000, *": false,
		"*": false, "identity": false, "gzip;x=0": true, "br": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Header.Set("Accept-Encoding", accept)
		w := httptest.NewRecorder()
		page.ServeHTTP(w, r)
		body := io.Reader(w.Body)
		if got := w.Header().Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("Accept-Encoding %q: gzip %v, want %v", accept, got, want)
		}
		if want {
			z, err := gzip.NewReader(body)
			if err != nil {
				t.Fatal(err)
			}
			body = z
		}
		if all, err := io.ReadAll(body); err != nil || string(all) != plain {
			t.Errorf("Accept-Encoding %q: another page, error %v", accept, err)
		}
		if !strings.Contains(w.Header().Get("Vary"), "Accept-Encoding") {
			t.Error("Vary does not tell")
		}
	}
}

func TestMethods(t *testing.T) {
	page := NewPage(fixed(), nil, nil)
	w := httptest.NewRecorder()
	page.ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/metrics", nil))
	if w.Code != http.StatusOK || w.Body.Len() > 0 || w.Header().Get("Content-Type") != TextContentType {
		t.Errorf("HEAD: %d, %d bytes, %v", w.Code, w.Body.Len(), w.Header())
	}
	w = httptest.NewRecorder()
	page.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/metrics", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

func TestTooManyScrapes(t *testing.T) {
	page := NewPage(fixed(), nil, nil)
	for range maxScrapes {
		page.slots <- struct{}{}
	}
	w := httptest.NewRecorder()
	page.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "too many scrapes") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	<-page.slots
	get(t, page, "")
	if len(page.slots) != maxScrapes-1 {
		t.Errorf("%d slots taken after a scrape, want %d", len(page.slots), maxScrapes-1)
	}
}

// TestHalfPagesAreBrokenOff: a page cut short that ends like a whole one would
// tell Prometheus that the rest of the targets are gone.
func TestHalfPagesAreBrokenOff(t *testing.T) {
	for _, encoding := range []string{"identity", "gzip"} {
		t.Run(encoding, func(t *testing.T) {
			page := NewPage(fleet(5000), nil, nil)
			reached := make(chan struct{})
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ctx, cancel := context.WithCancel(r.Context())
				defer cancel()
				page.ServeHTTP(&cancelling{ResponseWriter: w, cancel: cancel}, r.WithContext(ctx))
				close(reached)
			}))
			server.Start()
			defer server.Close()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Accept-Encoding", encoding)
			response, err := server.Client().Do(request)
			if err == nil {
				defer response.Body.Close()
				_, err = io.Copy(io.Discard, response.Body)
			}
			if err == nil {
				t.Error("the client took the page for a whole one")
			}
			select {
			case <-reached:
				t.Error("the handler returned as if all were well")
			default:
			}
			if len(page.slots) != 0 {
				t.Error("the scrape still holds its slot")
			}
			get(t, page, "")
		})
	}
}

// cancelling gives up on the scrape once it has begun.
type cancelling struct {
	http.ResponseWriter
	cancel func()
}

func (c *cancelling) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *cancelling) Write(p []byte) (int, error) {
	defer c.cancel()
	return c.ResponseWriter.Write(p)
}

func TestStopsAtTheFirstWriteError(t *testing.T) {
	w := &broken{header: http.Header{}}
	func() {
		defer func() {
			if v := recover(); v != any(http.ErrAbortHandler) {
				t.Errorf("recovered %v, want http.ErrAbortHandler", v)
			}
		}()
		NewPage(fleet(5000), nil, nil).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	}()
	if w.writes != 1 || w.deadlines != 1 {
		t.Errorf("%d writes and %d deadlines after the client was gone", w.writes, w.deadlines)
	}
}

// broken is a client that is gone.
type broken struct {
	header            http.Header
	writes, deadlines int
}

func (b *broken) Header() http.Header              { return b.header }
func (b *broken) WriteHeader(int)                  {}
func (b *broken) SetWriteDeadline(time.Time) error { b.deadlines++; return nil }
func (b *broken) Write([]byte) (int, error)        { b.writes++; return 0, errors.New("broken pipe") }

// faulty gathers something and an error.
type faulty struct{ *prometheus.Registry }

func (f faulty) Gather() (families []*dto.MetricFamily, err error) {
	families, _ = f.Registry.Gather()
	return families, errors.New("one collector has failed")
}

func TestFaultyGatherer(t *testing.T) {
	var log bytes.Buffer
	nameless := new(dto.MetricFamily)
	registry := newRegistry(t, fixedStorage(), fixedZeroconf(), collisions{})
	page := NewPage(fixed(), prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		families, err := faulty{registry}.Gather()
		return append(families, nameless), err
	}), slog.New(slog.NewTextHandler(&log, nil)))
	for _, accept := range []string{"", acceptOpenMetrics} {
		text := get(t, page, accept)
		if accept == "" {
			parse(t, text)
		} else {
			checkOpenMetrics(t, text)
		}
		if !strings.Contains(text, "health_storage_bytes 65536") {
			t.Error("the families that were gathered are missing")
		}
		if n := strings.Count(text, "# TYPE health_target_up gauge"); n != 1 {
			t.Errorf("health_target_up is there %d times", n)
		}
	}
	for _, want := range []string{"one collector has failed", "name=health_target_up", "encoding metrics"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not tell of %q:\n%s", want, log.String())
		}
	}
}

// collisions has a family that the page has too.
type collisions struct{}

func (collisions) Describe(chan<- *prometheus.Desc) {}

func (collisions) Collect(ch chan<- prometheus.Metric) {
	ch <- newMetric(newDesc("health_target_up", "Another.", ""), gauge, integer(1))
}

func TestLabelsAreRenderedOnce(t *testing.T) {
	var cache labelCache
	list := fleet(100)
	first := cache.of(list)
	if second := cache.of(fresh(list)); &first[0] != &second[0] {
		t.Error("the labels of the same targets were rendered again")
	}

	changed := fresh(append(list[:10:10], list[20:]...)) // ten are gone, one is another
	other := *changed[50].Target
	other.URL = "http://elsewhere/"
	changed[50].Target = &other
	got := cache.of(changed)
	if len(got) != 90 || len(*cache.last.Load()) != 90 {
		t.Fatalf("labels of %d targets, %d cached, want 90", len(got), len(*cache.last.Load()))
	}
	for i, s := range changed {
		if diff := cmp.Diff(render(s.Target), got[i], cmp.AllowUnexported(rendered{})); diff != "" {
			t.Fatalf("target %d: %s", i, diff)
		}
	}
}

// fresh is the list after everyone was probed once more.
func fresh(list []*schedule.Status) statuses {
	again := make(statuses, len(list))
	for i, s := range list {
		status := *s
		again[i] = &status
	}
	return again
}

// changing is a source whose targets come and go.
type changing struct{ list atomic.Pointer[statuses] }

func (c *changing) Snapshot() []*schedule.Status { return c.list.Load().Snapshot() }

func TestConcurrentScrapes(t *testing.T) {
	source := &changing{}
	base := fleet(150)
	source.list.Store(&base)
	page := NewPage(source, newRegistry(t, fixedStorage()), nil)
	ctx, cancel := context.WithCancel(t.Context())
	var writer, scrapers sync.WaitGroup
	writer.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			list := fresh(base[i%100:])
			target := *list[i%len(list)].Target
			target.Group = fmt.Sprint(i)
			list[i%len(list)].Target = &target
			source.list.Store(&list)
			runtime.Gosched()
		}
	})
	for i := range 8 {
		scrapers.Go(func() {
			for range 5 {
				if i%2 == 0 {
					parse(t, get(t, page, ""))
				} else {
					checkOpenMetrics(t, get(t, page, acceptOpenMetrics))
				}
			}
		})
	}
	scrapers.Wait()
	cancel()
	writer.Wait()
}

// TestPageNeedsLittleMemory holds the promise of a memory that does not grow
// with the number of targets: all that a scrape allocates, freed or not, is the
// snapshot's list and some buffers.
func TestPageNeedsLittleMemory(t *testing.T) {
	const targets = 20_000 // a page of 32 MB
	page := NewPage(fleet(targets), newRegistry(t, fixedStorage()), nil)
	scrape := func() {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Header.Set("Accept-Encoding", "gzip")
		page.ServeHTTP(&countingResponse{header: http.Header{}}, r)
	}
	scrape() // renders the labels
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	scrape()
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
		t.Errorf("a scrape of %d targets allocates %d bytes", targets, got)
	}
}
