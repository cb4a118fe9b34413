package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

func answering(res prober.Result) *prober.Module {
	return prober.FuncModule("test", 0, func(context.Context) prober.Result { return res })
}

func TestProbeTellsPhases(t *testing.T) {
	module := answering(prober.Result{
		Outcome: health.Pass, StatusCode: 200,
		Samples: []prober.Sample{
			{Name: "probe_http_duration_seconds", Labels: []prober.Label{{Name: "phase", Value: "resolve"}}, Value: 0.001},
			{Name: "probe_http_duration_seconds", Labels: []prober.Label{{Name: "phase", Value: "connect"}}, Value: 0.003},
		},
	})
	var out bytes.Buffer
	code := Probe{Module: module, ModuleName: "m", Target: "http://x"}.Run(t.Context(), &out)
	text := out.String()
	if code != 0 || !strings.HasPrefix(text, "PASS  http://x  (module m, ") || !strings.Contains(text, "status     200") {
		t.Errorf("code %d:\n%s", code, text)
	}
	if strings.Count(text, "█") != 32 || !strings.Contains(text, "  resolve    ████████ ") || !strings.Contains(text, "3ms") {
		t.Errorf("phases:\n%s", text)
	}
}

func TestProbeTellsWhyItFailed(t *testing.T) {
	res := prober.Failure(prober.ReasonTLS, errors.New("certificate has expired\x1b[31m"))
	res.Phase, res.CertExpiry = prober.PhaseTLS, time.Now().Add(-50*time.Hour)
	var out bytes.Buffer
	code := Probe{Module: answering(res), ModuleName: "m", Target: "x", Color: true}.Run(t.Context(), &out)
	text := out.String()
	if code != 1 || !strings.Contains(text, "\x1b[1;31mFAIL\x1b[0m") ||
		!strings.Contains(text, "tls: certificate has expired?[31m in phase tls") || !strings.Contains(text, "2 days ago") {
		t.Errorf("code %d:\n%q", code, text)
	}
}

func TestProbeAsJSON(t *testing.T) {
	res := prober.Failure(prober.ReasonConnect, errors.New("connection refused"))
	var out bytes.Buffer
	code := Probe{Module: answering(res), ModuleName: "m", Target: "x", JSON: true}.Run(t.Context(), &out)
	var v map[string]any
	if err := json.Unmarshal(out.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	if code != 1 || v["outcome"] != "fail" || v["reason"] != "connect" || v["error"] != "connection refused" {
		t.Errorf("code %d: %s", code, out.String())
	}
}

func TestTimesFromNow(t *testing.T) {
	for d, want := range map[time.Duration]string{
		90 * 24 * time.Hour: "in 90 days", 48 * time.Hour: "in 2 days", 47 * time.Hour: "in 47 hours",
		90 * time.Minute: "in 1 hour", time.Minute: "in 0 hours", -30 * time.Hour: "30 hours ago", -50 * time.Hour: "2 days ago",
	} {
		if got := fromNow(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}
