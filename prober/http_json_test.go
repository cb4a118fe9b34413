package prober

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

func expression(t testing.TB, text string) *Expression {
	t.Helper()
	e := &Expression{}
	if err := e.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestHTTPJSON(t *testing.T) {
	const answer = `{"status":"ok","load":0.5,"workers":[{"up":true,"n":3},{"up":false,"n":4}],"deep":{"a":[1,2,3]}}`
	target := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/text":
			_, _ = io.WriteString(w, "hello")
		case "/empty":
		case "/two":
			_, _ = io.WriteString(w, answer+answer)
		case "/array":
			_, _ = io.WriteString(w, `[1,2,3]`)
		case "/null":
			_, _ = io.WriteString(w, `null`)
		case "/redirect":
			http.Redirect(w, r, "/", http.StatusFound)
		case "/500":
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, answer)
		case "/gzip":
			_, _ = w.Write(compressed(t, "gzip", answer))
		case "/large":
			_, _ = io.WriteString(w, `{"status":"ok","pad":"`+strings.Repeat("x", maxJSONBody)+`"}`)
		case "/huge":
			_, _ = io.WriteString(w, `{"status":"ok","pad":"`+strings.Repeat("x", maxMatchedBody)+`"}`)
		default:
			_, _ = io.WriteString(w, answer)
		}
	})
	const (
		absentCEL = -1
		no, yes   = 0, 1
	)
	tests := []struct {
		name, path, matches, notMatches string
		set                             func(p *httpProbe)
		reason                          Reason
		text                            string
		cel, regex                      float64
	}{
		{name: "not configured", cel: absentCEL},
		{name: "as wanted", notMatches: `body.status == "ok"`},
		{name: "not as wanted", notMatches: `body.status == "fine"`, reason: ReasonBody, text: `body does not match "body.status == \"fine\""`, cel: yes},
		{name: "unwanted", matches: `body.load > 0.4`, reason: ReasonBody, text: `body matches "body.load > 0.4"`, cel: yes},
		{name: "not unwanted", matches: `body.load > 0.6`},
		{name: "both hold", matches: `body.load > 0.6`, notMatches: `body.status == "ok"`},
		{name: "both do not", matches: `body.load > 0.4`, notMatches: `body.status == "no"`, reason: ReasonBody, text: `body matches "body.load > 0.4"`, cel: yes},
		{name: "only the second does not", matches: `body.load > 0.6`, notMatches: `body.status == "no"`, reason: ReasonBody, text: `body does not match "body.status == \"no\""`, cel: yes},
		{name: "integers and floats compare", notMatches: `body.workers[0].n == 3 && body.deep.a.size() == 3`},
		{name: "macros", notMatches: `body.workers.exists(w, w.up) && !body.workers.all(w, w.up)`},
		{name: "has", notMatches: `has(body.status) && !has(body.missing)`},
		{name: "missing key", notMatches: `body.missing == 1`, reason: ReasonBody, text: `evaluating "body.missing == 1": no such key: missing`, cel: yes},
		{name: "missing key, unwanted", matches: `body.missing == 1`, reason: ReasonBody, text: `evaluating "body.missing == 1": no such key: missing`, cel: yes},
		{name: "neither true nor false", notMatches: `body.status`, reason: ReasonBody, text: `"body.status" is neither true nor false but a string`, cel: yes},
		{name: "array", path: "/array", notMatches: `body[2] == 3`},
		{name: "null", path: "/null", notMatches: `body == null`},
		{name: "text", path: "/text", notMatches: `true`, reason: ReasonBody, text: "body is not valid JSON", cel: yes},
		{name: "nothing", path: "/empty", matches: `false`, reason: ReasonBody, text: "body is not valid JSON", cel: yes},
		{name: "two values", path: "/two", notMatches: `true`, reason: ReasonBody, text: "body is not valid JSON", cel: yes},
		{name: "compressed", path: "/gzip", notMatches: `body.status == "ok"`, set: func(p *httpProbe) { p.Compression = "gzip" }},
		{name: "bad status", path: "/500", notMatches: `false`, reason: ReasonStatus, text: "status 500, want 200-299", cel: no},
		{name: "with regular expressions", notMatches: `body.status == "ok"`, set: func(p *httpProbe) {
			p.FailIfBodyNotMatches, p.FailIfBodyMatches = []Regexp{re("workers")}, []Regexp{re("nothing")}
		}},
		{
			name: "after regular expressions", notMatches: `body.status == "no"`, set: func(p *httpProbe) { p.FailIfBodyNotMatches = []Regexp{re("workers")} },
			reason: ReasonBody, text: `body does not match "body.status == \"no\""`, cel: yes, regex: no,
		},
		{
			name: "not after one that fails", notMatches: `body.status == "no"`, set: func(p *httpProbe) { p.FailIfBodyMatches = []Regexp{re("workers")} },
			reason: ReasonBody, text: `body matches "workers"`, cel: no, regex: yes,
		},
		{name: "unfollowed redirect", path: "/redirect", notMatches: `true`, set: func(p *httpProbe) {
			p.Client.FollowRedirects, p.ValidStatusCodes = false, StatusCodes{{302, 302}}
		}, reason: ReasonRedirect, text: errBodyClosed.Error(), cel: yes},
		{
			name: "over body_size_limit", notMatches: `true`, set: func(p *httpProbe) { p.BodySizeLimit = 10 },
			reason: ReasonBody, text: "body is larger than 10B", cel: yes,
		},
		{name: "large", path: "/large", notMatches: `body.status == "ok"`, reason: ReasonBody, text: "body is larger than 2MiB, too large for an expression", cel: yes},
		{name: "large, but allowed", path: "/large", notMatches: `body.status == "ok"`, set: func(p *httpProbe) { p.BodySizeLimit = 4 << 20 }},
		{name: "huge, but allowed", path: "/huge", notMatches: `body.status == "ok"`, set: func(p *httpProbe) { p.BodySizeLimit = 40 << 20 }},
		{
			name: "huge", path: "/huge", notMatches: `body.status == "ok"`,
			reason: ReasonBody, text: "body is larger than 2MiB, too large for an expression", cel: yes,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := httpModule(t, func(p *httpProbe) {
				if test.matches != "" {
					p.FailIfBodyJSONMatches = expression(t, test.matches)
				}
				if test.notMatches != "" {
					p.FailIfBodyJSONNotMatches = expression(t, test.notMatches)
				}
				if test.set != nil {
					test.set(p)
				}
			})
			res := probeWithin(t, m, 5*time.Second, Request{Target: target + test.path, Samples: true})
			if res.Reason != test.reason || res.Error != test.text {
				t.Errorf("got %q %q, want %q %q", res.Reason, res.Error, test.reason, test.text)
			}
			if (test.reason == "") != (res.Outcome == health.Pass) || test.reason != "" && res.Phase != PhaseCheck {
				t.Errorf("got %s in phase %q", res.Outcome, res.Phase)
			}
			want := map[string]float64{"probe_failed_due_to_cel": test.cel, "probe_failed_due_to_regex": test.regex}
			if test.cel == absentCEL {
				want["probe_failed_due_to_cel"] = absent
			}
			checkValues(t, res, want)
		})
	}
}

// The gauge is there whenever an expression is configured, also without an answer.
func TestHTTPJSONWithoutAnswer(t *testing.T) {
	m := httpModule(t, func(p *httpProbe) { p.FailIfBodyJSONMatches = expression(t, "true") })
	res := probeWithin(t, m, time.Second, Request{Target: "127.0.0.1:1", Samples: true})
	checkValues(t, res, map[string]float64{"probe_failed_due_to_cel": 0})
}

// However long an expression would take, the probe ends: by what it may cost, or
// by the deadline.
func TestHTTPJSONRunsAway(t *testing.T) {
	target := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "["+strings.Repeat("1,", 9999)+"1]")
	})
	const costly = `body.all(a, body.all(b, body.all(c, a + b + c > 0.0)))`
	m := httpModule(t, func(p *httpProbe) { p.FailIfBodyJSONNotMatches = expression(t, costly) })
	begin := time.Now()
	res := probeWithin(t, m, 60*time.Second, Request{Target: target})
	if res.Reason != ReasonBody || !strings.Contains(res.Error, "cost limit exceeded") {
		t.Errorf("got %s: %s", res.Reason, res.Error)
	}
	full := time.Since(begin)
	t.Logf("the cost limit was reached after %s", full)

	body := make([]any, 10_000)
	for i := range body {
		body[i] = 1.0
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	begin = time.Now()
	_, err := expression(t, costly).holds(ctx, body)
	if took := time.Since(begin); !errors.Is(err, context.Canceled) || took > full/3 {
		t.Errorf("got %v after %s", err, took)
	}
}

// A deadline that passes while an expression is evaluated is a timeout.
func TestHTTPJSONDeadline(t *testing.T) {
	expired, stop := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer stop()
	m := httpModule(t, func(p *httpProbe) { p.FailIfBodyJSONNotMatches = expression(t, "true") })
	run := &httpRun{httpProbe: m.spec.(*httpProbe), phase: PhaseCheck, limit: time.Second}
	run.match(expired, strings.NewReader("{}"))
	if res := run.result; res.Reason != ReasonTimeout || res.Phase != PhaseCheck || res.Error != `matching "true" took longer than the probe may` {
		t.Errorf("got %+v", res)
	}
}

func TestExpression(t *testing.T) {
	for text, want := range map[string]string{
		"":           `"" is not a valid CEL expression: 1:0: Syntax error`,
		"body.":      `"body." is not a valid CEL expression: 1:6: Syntax error`,
		"other == 1": `"other == 1" is not a valid CEL expression: 1:1: undeclared reference to 'other'`,
		`1 + "a"`:    `"1 + \"a\"" is not a valid CEL expression: 1:3: found no matching overload`,
	} {
		err := new(Expression).UnmarshalText([]byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v, want %s…", text, err, want)
		}
	}
	e := expression(t, `body.a == 1`)
	if text, err := e.MarshalText(); err != nil || string(text) != `body.a == 1` {
		t.Errorf("MarshalText gives %q, %v", text, err)
	}
	for text, want := range map[string]bool{`body.a`: true, `true`: true, `1 + 1`: false, `"a"`: false, `[body]`: false} {
		if got := expression(t, text).mayBeBool(); got != want {
			t.Errorf("%s: mayBeBool is %v", text, got)
		}
	}
}
