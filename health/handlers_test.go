package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ask sends a request to a handler.
func ask(h http.Handler, method, url string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, url, nil))
	return w
}

func TestMethods(t *testing.T) { // S0.1, S2.9
	c := closing(t, &Checker{}, Check{Name: "x", Run: pass})
	for name, h := range map[string]http.Handler{
		"healthcheck": &Healthcheck{Checker: c}, "healthz": &Healthz{Checker: c},
		"group": &Group{Checker: c, Group: Ready}, "report": &ReportHandler{Checker: c},
	} {
		if w := ask(h, "HEAD", "/x"); w.Code != 200 {
			t.Errorf("%s: HEAD %d", name, w.Code)
		}
		if w := ask(h, "OPTIONS", "/x"); w.Code != 204 || w.Header().Get("Allow") == "" {
			t.Errorf("%s: OPTIONS %d", name, w.Code)
		}
		if w := ask(h, "POST", "/x"); w.Code != 405 || !strings.Contains(w.Header().Get("Allow"), "GET") {
			t.Errorf("%s: POST %d", name, w.Code)
		}
	}
}

func TestHealthcheckShape(t *testing.T) { // S0.8 to S0.14, S0.20, S0.26, S3.10
	synctest.Test(t, func(t *testing.T) {
		c := closing(t, &Checker{},
			Check{Name: "health_check_db", Run: func(ctx context.Context) error {
				Say(ctx, "database ok")
				time.Sleep(250 * time.Millisecond)
				return nil
			}},
			Check{Name: "health_check_celery", Run: func(ctx context.Context) error {
				return errors.New("No running Celery workers were found.")
			}})
		h := &Healthcheck{Checker: c, Details: Everyone}
		w := ask(h, "GET", "/healthcheck")
		if w.Code != 500 || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
		var body map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
		now := float64(time.Now().UnixMicro()) / 1e6
		if _, ok := body["hostname"].(string); !ok {
			t.Error("no hostname")
		}
		delete(body, "hostname")
		want := map[string]any{
			"status": "failure", "timestamp": now,
			"results": []any{
				map[string]any{
					"checker": "health_check_db", "output": "database ok", "passed": true,
					"timestamp": now, "expires": now + 27, "response_time": 0.25,
				},
				map[string]any{
					"checker": "health_check_celery", "output": "No running Celery workers were found.", "passed": false,
					"timestamp": now - 0.25, "expires": now - 0.25 + 9, "response_time": 0.0,
				},
			},
		}
		if diff := cmp.Diff(want, body, cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-5 })); diff != "" {
			t.Error(diff)
		}
		time.Sleep(time.Second)
		var later HealthcheckBody
		if err := json.Unmarshal(ask(h, "GET", "/").Body.Bytes(), &later); err != nil || later.Timestamp < now+0.9 || later.Results[0].Timestamp > now+0.1 {
			t.Errorf("S0.13: rendered %f, result of %f, %v", later.Timestamp-now, later.Results[0].Timestamp-now, err)
		}
	})
}

func TestHealthcheckWithoutChecks(t *testing.T) { // S0.8
	w := ask(&Healthcheck{Checker: &Checker{}}, "GET", "/")
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"status":"success"`) || !strings.Contains(w.Body.String(), `"results":[]`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestHealthcheckOptions(t *testing.T) {
	c := closing(t, &Checker{}, Check{Name: "a", Run: pass}, Check{Name: "b", Run: fail},
		Check{Name: "secret", Hidden: true, Severity: Info, Run: fail})
	for _, test := range []struct {
		name string
		h    Healthcheck
		url  string
		code int
		want string
	}{
		{"one check (S0.22)", Healthcheck{}, "/?check=a", 200, `"status":"success"`},
		{"unknown check (S0.22)", Healthcheck{}, "/?check=z", 404, `there is no check "z"`},
		{"hidden check", Healthcheck{}, "/?check=secret", 404, `there is no check "secret"`},
		{"details withheld", Healthcheck{}, "/", 500, `"output":"details withheld"`},
		{"details", Healthcheck{Details: Everyone}, "/", 500, `"output":"broken"`},
		{"status codes (S0.24)", Healthcheck{FailedStatus: 418, SuccessStatus: 201}, "/", 418, "failure"},
		{"other status code", Healthcheck{FailedStatus: 418, SuccessStatus: 201}, "/?check=a", 201, "success"},
		{"plain (S0.25)", Healthcheck{Plain: true}, "/", 500, "NOT OK"},
		{"plain success", Healthcheck{Plain: true}, "/?check=a", 200, "OK"},
		{"render (S0.24)", Healthcheck{Render: func(b HealthcheckBody) []byte { return []byte(b.Status + "!") }}, "/", 500, "failure!"},
		{"sections (S0.23)", Healthcheck{Sections: map[string]func(context.Context) (any, error){
			"version": func(context.Context) (any, error) { return "1.2", nil },
			"status":  func(context.Context) (any, error) { return "taken", nil },
			"broken":  func(context.Context) (any, error) { return nil, errors.New("x") },
			"channel": func(context.Context) (any, error) { return make(chan int), nil },
		}}, "/", 500, `],"version":"1.2"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.h.Checker = c
			w := ask(&test.h, "GET", test.url)
			if w.Code != test.code || !strings.Contains(w.Body.String(), test.want) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if strings.Contains(w.Body.String(), `"secret"`+",") || strings.Contains(w.Body.String(), "taken") {
				t.Errorf("%s", w.Body)
			}
		})
	}
	h := &Healthcheck{Checker: c, FailedHeader: http.Header{"Content-Type": {"text/x"}, "X-Down": {"1"}}}
	if got := ask(h, "GET", "/").Header(); got.Get("Content-Type") != "text/x" || got.Get("X-Down") != "1" || got.Get("Cache-Control") == "" {
		t.Errorf("headers %v", got)
	}
	if got := ask(&Healthcheck{Checker: c, Plain: true}, "GET", "/").Header().Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Error(got)
	}
}

func TestReportHandler(t *testing.T) { // R, S1.6, S1.45 to S1.47
	c := closing(t, &Checker{},
		Check{Name: "db", Remote: true, Run: func(ctx context.Context) error { Observe(ctx, "connections", 3, ""); return nil }},
		Check{Name: "cache", Severity: WarningOnly, Run: fail},
		Check{Name: "inner", Hidden: true, Run: pass})
	h := &ReportHandler{Checker: c, Details: Everyone, About: Report{
		Version: "1", ReleaseID: "1.2.3", Description: DescriptionFor("shop"), Notes: []string{"a note"},
	}}
	w := ask(h, "GET", "/health")
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/health+json" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if got := w.Header().Get("Cache-Control"); got != "max-age=8" && got != "max-age=9" {
		t.Errorf("%s, although a failure serves 9 s", got)
	}
	report, err := ParseReport(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if report.Status != Warn || report.Description != "health of shop service" || !slices.Equal(report.Notes, []string{"a note"}) {
		t.Errorf("%+v", report)
	}
	if got := report.Checks["db:connections"]; len(got) != 1 || got[0].ObservedValue != 3.0 {
		t.Errorf("%+v", report.Checks)
	}
	if got := report.Checks["cache:responseTime"]; len(got) != 1 || got[0].Status != Fail || got[0].Output != "broken" {
		t.Errorf("%+v", got)
	}
	if got := report.Checks["db:responseTime"]; len(got) != 1 || got[0].Output != "" || got[0].ObservedUnit != "ms" {
		t.Errorf("R9: %+v", got)
	}
	if strings.Contains(w.Body.String(), "inner") {
		t.Error("a hidden check shows")
	}
	if w := ask(&ReportHandler{Checker: c, About: h.About}, "GET", "/"); w.Body.String() != `{"status":"warn"}` { // R11
		t.Errorf("without permission: %s", w.Body)
	}
	down := closing(t, &Checker{}, Check{Name: "db", Run: fail})
	if w := ask(&ReportHandler{Checker: down}, "GET", "/"); w.Code != 503 || w.Body.String() != `{"status":"fail"}` { // R3
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestReportBuilder(t *testing.T) { // S1.45
	var r Report
	if r.StatusCode() != 503 {
		t.Errorf("a report without status is %d", r.StatusCode())
	}
	r.Observe("db", "responseTime", Measurement{Status: Warn})
	r.Observe("", "uptime", Measurement{Status: Pass})
	r.Observe("queue", "", Measurement{})
	if r.Status != Warn || r.StatusCode() != 200 || r.Checks["db:responseTime"] == nil || r.Checks["uptime"] == nil || r.Checks["queue"] == nil {
		t.Errorf("%+v", r)
	}
	w := httptest.NewRecorder()
	if err := (&Report{Status: Fail}).Answer(w, time.Minute); err != nil || w.Code != 503 || w.Header().Get("Cache-Control") != "max-age=60" {
		t.Errorf("%v %d %v", err, w.Code, w.Header())
	}
	w = httptest.NewRecorder()
	if err := (&Report{}).Answer(w, 0); err != nil || w.Body.String() != `{"status":"fail"}` {
		t.Errorf("%v %s", err, w.Body)
	}
}

func TestHungCheckAnswersWithinBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		c := closing(t, &Checker{}, Check{Name: "nfs", Run: func(context.Context) error { <-release; return nil }}, Check{Name: "ok", Run: pass})
		began := time.Now()
		w := ask(&Group{Checker: c, Group: Ready}, "GET", "/readyz?verbose")
		if took := time.Since(began); took != time.Second || w.Code != 503 || !strings.Contains(w.Body.String(), "[-]nfs unknown") {
			t.Errorf("after %s: %d %s", took, w.Code, w.Body)
		}
		close(release)
	})
}

func TestManyRequests(t *testing.T) {
	var runs atomic.Int32
	c := closing(t, &Checker{}, Check{Name: "x", Run: func(context.Context) error { runs.Add(1); return nil }})
	handlers := []http.Handler{
		&Healthcheck{Checker: c}, &Healthz{Checker: c, Names: map[string]string{"x": "x"}}, &Group{Checker: c, Group: Ready}, &ReportHandler{Checker: c},
	}
	var all sync.WaitGroup
	for i := range 1000 {
		all.Go(func() {
			if w := ask(handlers[i%len(handlers)], "GET", "/x"); w.Code != 200 {
				t.Error(w.Code)
			}
		})
	}
	all.Wait()
	if runs.Load() != 1 {
		t.Errorf("%d runs for 1000 requests within a TTL", runs.Load())
	}
}

func TestAdaptors(t *testing.T) { // S0.3
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bad" {
			w.WriteHeader(http.StatusTeapot)
		}
		fmt.Fprint(w, "text")
	})
	c := closing(t, &Checker{},
		Check{Name: "true", Run: FromBool(func(context.Context) (bool, string) { return true, "database ok" })},
		Check{Name: "false", Run: FromBool(func(context.Context) (bool, map[string]int) { return false, map[string]int{"n": 1} })},
		Check{Name: "ping", Run: FromPing(pingable{})},
		Check{Name: "good", Run: FromHandler(handler, "/good")},
		Check{Name: "bad", Run: FromHandler(handler, "/bad")})
	var got []string
	for _, s := range c.Check(t.Context(), "") {
		got = append(got, fmt.Sprint(s.Result.Outcome, " ", s.Result.Output))
	}
	want := []string{"pass database ok", "fail map[n:1]", "fail no pong", "pass OK", "fail status 418"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

type pingable struct{}

func (pingable) PingContext(context.Context) error { return errors.New("no pong") }

func BenchmarkGroup(b *testing.B) {
	c := closing(b, &Checker{}, Check{Name: "x", Run: pass, PassTTL: time.Hour})
	h := &Group{Checker: c, Group: Ready}
	b.ReportAllocs()
	for b.Loop() {
		ask(h, "GET", "/readyz")
	}
}
