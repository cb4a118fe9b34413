package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// Probe is one probe made for a person.
type Probe struct {
	Module     *prober.Module
	ModuleName string
	Target     string
	Hostname   string
	// Timeout is the deadline; the module's own, if shorter, counts.
	Timeout time.Duration
	// JSON asks for a machine's form, Color for escape sequences, Verbose for each
	// step of the probe.
	JSON, Color, Verbose bool
}

// defaultTimeout is the deadline when neither the caller nor the module has one.
const defaultTimeout = 10 * time.Second

// Run makes the probe and tells what happened, phase by phase. The exit code is
// 0 if the probe passed, and 1 if not.
func (p Probe) Run(ctx context.Context, out io.Writer) int {
	timeout := p.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
		if own := p.Module.Timeout(); own > 0 {
			timeout = own
		}
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req := prober.Request{Target: p.Target, Hostname: p.Hostname, Samples: true}
	if p.Verbose && !p.JSON {
		req.Log = slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: withoutTime}))
	}
	res := p.Module.Probe(ctx, req)
	if p.JSON {
		p.writeJSON(out, &res)
	} else {
		p.writeText(out, &res)
	}
	if res.Outcome == health.Fail {
		return 1
	}
	return 0
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
		return slog.Attr{}
	}
	return a
}

type probeJSON struct {
	Target     string         `json:"target"`
	Module     string         `json:"module"`
	Outcome    health.Outcome `json:"outcome"`
	Reason     prober.Reason  `json:"reason,omitempty"`
	Phase      prober.Phase   `json:"phase,omitempty"`
	Error      string         `json:"error,omitempty"`
	Duration   float64        `json:"duration_seconds"`
	StatusCode int            `json:"status_code,omitempty"`
	CertExpiry *time.Time     `json:"cert_expiry,omitempty"`
	Samples    []sampleJSON   `json:"samples"`
}

type sampleJSON struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels,omitempty"`
	Value  float64           `json:"value"`
}

func (p Probe) writeJSON(out io.Writer, res *prober.Result) {
	v := probeJSON{
		Target: p.Target, Module: p.ModuleName, Outcome: res.Outcome, Reason: res.Reason, Phase: res.Phase,
		Error: res.Error, Duration: res.Duration.Seconds(), StatusCode: res.StatusCode, Samples: []sampleJSON{},
	}
	if !res.CertExpiry.IsZero() {
		v.CertExpiry = new(res.CertExpiry.UTC())
	}
	for _, s := range res.Samples {
		labels := map[string]string{}
		for _, l := range s.Labels {
			labels[l.Name] = l.Value
		}
		v.Samples = append(v.Samples, sampleJSON{s.Name, labels, s.Value})
	}
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // a terminal that is gone cannot be told
}

func (p Probe) writeText(out io.Writer, res *prober.Result) {
	fmt.Fprintf(out, "%s  %s  (module %s, %s)\n", p.verdict(res), printable(p.Target), p.ModuleName, rounded(res.Duration))
	if res.Error != "" {
		where := ""
		if res.Phase != prober.PhaseNone {
			where = fmt.Sprintf(" in phase %s", res.Phase)
		}
		fmt.Fprintf(out, "  why        %s: %s%s\n", res.Reason, printable(res.Error), where)
	}
	if res.StatusCode != 0 {
		fmt.Fprintf(out, "  status     %d\n", res.StatusCode)
	}
	if !res.CertExpiry.IsZero() {
		fmt.Fprintf(out, "  certificate expires %s (%s)\n", res.CertExpiry.UTC().Format("2006-01-02 15:04 MST"), fromNow(time.Until(res.CertExpiry)))
	}
	p.writePhases(out, res)
	if res.Report != nil && res.Report.Output != "" {
		fmt.Fprintf(out, "  it says    %s\n", printable(res.Report.Output))
	}
}

// writePhases draws the phases as bars, in the order in which they happened.
func (p Probe) writePhases(out io.Writer, res *prober.Result) {
	const width = 32
	total := 0.0
	var phases []prober.Sample
	for _, s := range res.Samples {
		if len(s.Labels) == 1 && s.Labels[0].Name == "phase" {
			phases = append(phases, s)
			total += s.Value
		}
	}
	for _, s := range phases {
		bar := 0
		if total > 0 {
			bar = int(s.Value/total*width + 0.5)
		}
		fmt.Fprintf(out, "  %-10s %-*s %s\n", s.Labels[0].Value, width, repeat('█', bar), rounded(time.Duration(s.Value*float64(time.Second))))
	}
}

func repeat(r rune, n int) string {
	line := make([]rune, n)
	for i := range line {
		line[i] = r
	}
	return string(line)
}

func (p Probe) verdict(res *prober.Result) string {
	word, color := "PASS", "32"
	switch res.Outcome {
	case health.Warn:
		word, color = "WARN", "33"
	case health.Fail:
		word, color = "FAIL", "31"
	}
	if !p.Color {
		return word
	}
	return "\x1b[1;" + color + "m" + word + "\x1b[0m"
}

func rounded(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

// fromNow words the time until a moment, or since it: in days, or in hours if they
// are few.
func fromNow(d time.Duration) string {
	away := d.Abs()
	count, unit := int(away.Hours()/24), "days"
	if away < 48*time.Hour {
		count, unit = int(away.Hours()), "hours"
	}
	if count == 1 {
		unit = strings.TrimSuffix(unit, "s")
	}
	if d < 0 {
		return fmt.Sprintf("%d %s ago", count, unit)
	}
	return fmt.Sprintf("in %d %s", count, unit)
}

// printable keeps what a target sends from steering the terminal.
func printable(text string) string {
	clean := make([]rune, 0, len(text))
	for _, r := range text {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			r = '·'
		}
		clean = append(clean, r)
	}
	return string(clean)
}
