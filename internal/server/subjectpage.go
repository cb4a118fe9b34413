package server

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/server/page"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

const (
	maxResults = 20
	pageDays   = 90
)

// subjectPage is the page of a target or check.
func (s *server) subjectPage(kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		x, ok := s.subject(kind, r.PathValue("name"))
		if !ok {
			s.noSubject(w, r, kind)
			return
		}
		to := s.reader(r, false)
		p := s.makeSubject(x, to)
		p.Frame = s.frame(countsOf(s.subjects(), to), to, "../", "../")
		p.May = s.may(r, x)
		p.Notice = notices[queryOf(r).Get("done")]
		p.Troubles = s.troubles(r.Context(), to)
		s.describe(p, x, to)
		s.answerPage(w, r, p)
	}
}

func (s *server) noSubject(w http.ResponseWriter, r *http.Request, kind string) {
	if tombstone, gone := s.Registry.Tombstone(r.PathValue("name")); gone && kind == kindTarget && !strings.HasPrefix(r.URL.Path, "/public/") {
		s.answerProblem(w, r, isGone(&tombstone))
		return
	}
	s.answerProblem(w, r, &problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("there is no %s %q", kind, r.PathValue("name"))})
}

// makeSubject has what everybody may know of a subject.
func (s *server) makeSubject(x subject, to reader) *page.Subject {
	p := &page.Subject{
		Row: x.row(to), HalfHourWindow: lastDay(to.now), DayWindow: lastDays(to.now, pageDays), Changes: x.changes(to), Results: []page.Result{},
	}
	s.addFigures(&p.Row, x, p.HalfHourWindow, to)
	p.HalfHours, p.Days = p.Strip, s.cells(x, p.DayWindow)
	for i := range p.Changes {
		p.Changes[i].Link = "" // it would lead here
	}
	for _, each := range uptimeSpans {
		sums := s.History.Sum(x.remembered(), to.now.Add(-each.span), to.now)
		p.Spans = append(p.Spans, page.Span{Name: each.words, Uptime: uptime(sums), Parts: parts(sums)})
	}
	return p
}

// describe adds what is for the operators' eyes.
func (s *server) describe(p *page.Subject, x subject, to reader) {
	st, t := x.status, x.status.Target
	p.Problem, p.StatusCode, p.CertExpiry = st.Problem, st.StatusCode, st.CertExpiry
	p.Interval, p.Timeout = t.Interval, t.Timeout
	p.LastProbe, p.NextProbe, p.Overdue = st.LastProbe, x.of.NextProbe(t.App), x.overdue(to.now)
	p.Lateness, _ = x.of.Stats().Lateness.Within(0.99)
	p.Counters = counters(st)
	if x.kind == kindTarget {
		p.Module = t.ModuleName()
		p.Source, p.Owner, p.Labels, p.DependsOn = string(t.Source), t.Owner, t.Labels, t.DependsOn
		p.Registered = t.RegisteredAt
		p.LeaseEnds, _ = s.Registry.LeaseEnd(t.App)
		p.Snippets = snippets("health_target", "target", t.App)
		if to.debug {
			p.AdHoc = adHocLink(t, p.Module)
		}
	} else {
		p.Module = st.Check.Kind
		p.Snippets = snippets("health_check", "check", t.App)
	}
	p.Badges = badgesOf(x)
	entries, _ := x.of.History(t.App, maxResults)
	for _, e := range entries {
		p.Results = append(p.Results, result(e, x, to))
	}
}

// counters are the runs of outcomes with the thresholds they run up to.
func counters(st *schedule.Status) []page.Counter {
	limits := st.Target.Thresholds()
	unhealthy, healthy := cmp.Or(limits.Unhealthy, health.DefaultUnhealthy), cmp.Or(limits.Healthy, health.DefaultHealthy)
	degraded := cmp.Or(limits.DegradedAfter, health.DefaultDegradedAfter)
	if st.State.Verdict == health.Unknown && limits.FastStart {
		healthy = 1
	}
	list := []page.Counter{{What: "failures", N: min(int(st.State.Failures), unhealthy), Of: unhealthy, To: health.Unhealthy}}
	if degraded < unhealthy {
		list = append(list, page.Counter{What: "failures", N: min(int(st.State.Failures), degraded), Of: degraded, To: health.Degraded})
	}
	return append(list, page.Counter{What: "passes", N: min(int(st.State.Passes), healthy), Of: healthy, To: health.Healthy})
}

func result(e schedule.Entry, x subject, to reader) page.Result {
	r := page.Result{
		Time: e.Time.In(to.now.Location()), Outcome: e.Outcome, State: e.State, Latency: e.Latency, Seconds: e.Latency.Seconds(), StatusCode: e.StatusCode,
		Reason: string(e.Reason),
	}
	if x.kind == kindCheck && !to.details {
		return r
	}
	r.Error, r.Response = redact.Text(e.Error), indented(shownResponse(e.Response))
	if to.debug {
		r.Steps = redact.Text(e.Steps)
	}
	return r
}

// indented is JSON as people read it.
func indented(text []byte) string {
	var b bytes.Buffer
	if len(text) == 0 || json.Indent(&b, text, "", "  ") != nil {
		return string(text)
	}
	return b.String()
}

// snippets are expressions that people ask Prometheus of a subject.
func snippets(family, label, name string) []string {
	match := fmt.Sprintf("{%s=%q}", label, name)
	return []string{
		family + "_state" + match + " == 1",
		"avg_over_time(" + family + "_up" + match + "[1d])",
		"quantile_over_time(0.95, " + family + "_latency_seconds" + match + "[1h])",
		"increase(" + family + "_failures_total" + match + "[1d])",
	}
}

// adHocLink leads to /probe with the transcript of one probe of the target.
func adHocLink(t *prober.Target, module string) string {
	if strings.ContainsAny(t.Place(), "@") || collector.PublicPlace(t.Place()) != t.Place() {
		return "" // it has secrets, or what may be some
	}
	return "../probe?" + url.Values{"debug": {"true"}, "module": {module}, "target": {t.Place()}}.Encode()
}

// notices are what pages say after a button was pressed.
var notices = map[string]string{
	"probe": "Probed. The result is the first of the last probes below.", "pause": "Paused: it is not probed until you resume it.",
	"resume": "Resumed: its state begins anew.", "remove": "Removed.",
}

// badgeFiles are the pictures that there are of each subject.
var badgeFiles = []string{"state.svg", "uptime.svg", "latency.svg"}

func badgesOf(x subject) []string {
	var list []string
	for _, file := range badgeFiles {
		list = append(list, "../"+x.link()+"/"+file)
	}
	return list
}

// subjectBadge is one of the pictures.
func (s *server) subjectBadge(kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		x, ok := s.subject(kind, r.PathValue("name"))
		if !ok {
			s.noSubject(w, r, kind)
			return
		}
		s.badge(w, r, x, s.reader(r, false))
	}
}
