package prober

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/health-exporter/health_exporter/health"
)

// healthModule makes a module of kind health; set may change its options.
func healthModule(t testing.TB, set func(p *healthProbe)) *Module {
	t.Helper()
	m, err := NewModule(ModuleSource{Kind: "health", Decode: func(into any) error {
		if set != nil {
			set(into.(*healthProbe))
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.spec.(*healthProbe).conns.idle.closeAll)
	return m
}

var ignoreTimes = cmpopts.IgnoreFields(Result{}, "Start", "Duration")

func TestHealthResult(t *testing.T) {
	const jsonType, healthType = "application/json", health.MediaType
	tests := []struct {
		name, contentType, body string
		code                    int
		codes                   StatusCodes
		options                 func(p *healthProbe)
		want                    Result
	}{
		{name: "text", contentType: "text/plain", body: "ok", want: Result{Outcome: health.Pass}},
		{
			name: "a word of ASP.NET", contentType: "text/plain", body: "Degraded\r\n",
			want: Result{Outcome: health.Warn, Error: "the target warns", Report: &health.Report{Status: health.Warn}},
		},
		{
			name: "spring boot", contentType: "application/vnd.spring-boot.actuator.v3+json", body: `{"status":"OUT_OF_SERVICE"}`,
			want: Result{
				Outcome: health.Fail, Reason: ReasonBody, Phase: PhaseCheck, Error: "the target says it fails",
				Response: []byte(`{"status":"OUT_OF_SERVICE"}`), Report: &health.Report{Status: health.Fail},
			},
		},
		{name: "no body", want: Result{Outcome: health.Pass}},
		{
			name: "pass", contentType: healthType, body: `{"status":"pass","version":"2"}`,
			want: Result{Outcome: health.Pass, Response: []byte(`{"status":"pass","version":"2"}`), Report: &health.Report{Status: health.Pass, Version: "2"}},
		},
		{
			name: "warn", contentType: healthType + "; charset=utf-8", body: `{"status":"WARN","output":"disk 90 %"}`,
			want: Result{
				Outcome: health.Warn, Error: "the target warns: disk 90 %", Response: []byte(`{"status":"WARN","output":"disk 90 %"}`),
				Report: &health.Report{Status: health.Warn, Output: "disk 90 %"},
			},
		},
		{
			name: "fail in the body", contentType: "Application/JSON", body: `{"status":"down"}`,
			want: Result{
				Outcome: health.Fail, Reason: ReasonBody, Phase: PhaseCheck, Error: "the target says it fails", Response: []byte(`{"status":"down"}`),
				Report: &health.Report{Status: health.Fail},
			},
		},
		{name: "other JSON", contentType: jsonType, body: `{"a":1}`, want: Result{Outcome: health.Pass, Response: []byte(`{"a":1}`)}},
		{name: "numeric status", contentType: jsonType, body: `{"status":500}`, want: Result{Outcome: health.Pass, Response: []byte(`{"status":500}`)}},
		{
			name: "JSON called text", contentType: "text/plain", body: `{"status":"fail"}`,
			want: Result{Outcome: health.Pass, Response: []byte(`{"status":"fail"}`)},
		},
		{name: "malformed JSON", contentType: jsonType, body: `{"status":`, want: Result{Outcome: health.Pass}},
		{name: "malformed health+json", contentType: healthType, body: `{"status":`, want: Result{Outcome: health.Pass, BodyError: true}},
		{
			name: "health+json that is not an object", contentType: healthType, body: `[]`,
			want: Result{Outcome: health.Pass, BodyError: true, Response: []byte(`[]`)},
		},
		{
			name: "problem+json", contentType: "application/problem+json", code: 503, body: `{"status":503,"title":"x"}`,
			want: Result{Outcome: health.Fail, Reason: ReasonStatus, Phase: PhaseCheck, Error: "status 503, want 200", Response: []byte(`{"status":503,"title":"x"}`)},
		},
		{
			name: "wrong code, says pass", contentType: healthType, code: 500, body: `{"status":"pass","output":"all\nfine"}`,
			want: Result{
				Outcome: health.Fail, Reason: ReasonStatus, Phase: PhaseCheck, Error: "status 500, want 200: all fine",
				Response: []byte(`{"status":"pass","output":"all\nfine"}`), Report: &health.Report{Status: health.Pass, Output: "all fine"},
			},
		},
		{name: "204 is not 200", code: 204, want: Result{Outcome: health.Fail, Reason: ReasonStatus, Phase: PhaseCheck, Error: "status 204, want 200"}},
		{
			name: "codes of the module", code: 204, options: func(p *healthProbe) { p.ValidStatusCodes = StatusCodes{{200, 299}} },
			want: Result{Outcome: health.Pass},
		},
		{name: "codes of the request", code: 418, codes: StatusCodes{{418, 418}}, want: Result{Outcome: health.Pass}},
		{
			name: "codes of the request win", codes: StatusCodes{{201, 204}, {418, 418}},
			want: Result{Outcome: health.Fail, Reason: ReasonStatus, Phase: PhaseCheck, Error: "status 200, want 201-204, 418"},
		},
		{
			name: "ignore_body", contentType: healthType, body: `{"status":"fail"}`, options: func(p *healthProbe) { p.IgnoreBody = true },
			want: Result{Outcome: health.Pass},
		},
		{
			name: "large body", contentType: healthType, body: `{"status":"fail","x":"` + strings.Repeat("x", 70<<10) + `"}`,
			want: Result{Outcome: health.Warn, Error: "body is larger than 64 KiB: what it says of its health was not read", BodyError: true},
		},
		{
			name: "large JSON", contentType: jsonType, body: `{"x":"` + strings.Repeat("x", 70<<10) + `"}`,
			want: Result{Outcome: health.Warn, Error: "body is larger than 64 KiB: what it says of its health was not read"},
		},
		{
			name: "large JSON and a wrong code", contentType: jsonType, code: 500, body: `{"x":"` + strings.Repeat("x", 70<<10) + `"}`,
			want: Result{Outcome: health.Fail, Reason: ReasonStatus, Phase: PhaseCheck, Error: "status 500, want 200"},
		},
		{name: "large page", contentType: "text/html", body: strings.Repeat("x", 70<<10), want: Result{Outcome: health.Pass}},
		{
			name: "body of 64 KiB", contentType: jsonType, body: `{"status":"fail"` + strings.Repeat(" ", 64<<10-17) + `}`,
			want: Result{
				Outcome: health.Fail, Reason: ReasonBody, Phase: PhaseCheck, Error: "the target says it fails",
				Response: []byte(`{"status":"fail"` + strings.Repeat(" ", 64<<10-17) + `}`), Report: &health.Report{Status: health.Fail},
			},
		},
	}
	for _, test := range tests {
		for _, keepAlive := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%v", test.name, keepAlive), func(t *testing.T) {
				code := test.code
				if code == 0 {
					code = 200
				}
				base := serve(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header()["Content-Type"] = nil
					if test.contentType != "" {
						w.Header().Set("Content-Type", test.contentType)
					}
					w.WriteHeader(code)
					_, _ = io.WriteString(w, test.body)
				})
				m := healthModule(t, func(p *healthProbe) {
					p.KeepAlive = keepAlive
					if test.options != nil {
						test.options(p)
					}
				})
				test.want.StatusCode = code
				for range 2 {
					got := probeWithin(t, m, 5*time.Second, Request{Target: base, StatusCodes: test.codes})
					if diff := cmp.Diff(test.want, got, ignoreTimes); diff != "" {
						t.Errorf("(-want +got):\n%s", diff)
					}
				}
			})
		}
	}
}
