package server

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/history"
	"github.com/health-exporter/health_exporter/internal/server/access"
	"github.com/health-exporter/health_exporter/internal/server/page"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// The kinds of subjects.
const (
	kindTarget = "target"
	kindCheck  = "check"
)

// Schedule knows what becomes of targets, or of checks.
type Schedule interface {
	Snapshot() []*schedule.Status
	Status(name string) (*schedule.Status, bool)
	NextProbe(name string) time.Time
	// History has the last probes of one, newest first, and Latencies how long they took,
	// oldest first.
	History(name string, limit int) ([]schedule.Entry, bool)
	Latencies(name string, limit int) []time.Duration
	// Transitions are its last changes of state, oldest first.
	Transitions(name string) ([]schedule.Transition, bool)
	// ProbeNow makes a probe that counts.
	ProbeNow(ctx context.Context, name string) (schedule.Entry, error)
	Stats() schedule.Stats
}

// subject is what pages are about: a target, or an in-process check.
type subject struct {
	kind   string
	status *schedule.Status
	of     Schedule
}

// subjects are all that there are: the checks, then the targets, each by name.
func (s *server) subjects() []subject {
	checks, targets := s.Checks.Snapshot(), s.Scheduler.Snapshot()
	list := make([]subject, 0, len(checks)+len(targets))
	for _, st := range checks {
		list = append(list, subject{kindCheck, st, s.Checks.Schedule})
	}
	for _, st := range targets {
		list = append(list, subject{kindTarget, st, s.Scheduler})
	}
	return list
}

// subject finds one by its kind and name.
func (s *server) subject(kind, name string) (subject, bool) {
	of := s.Scheduler
	if kind == kindCheck {
		of = s.Checks.Schedule
	}
	st, ok := of.Status(name)
	return subject{kind, st, of}, ok
}

func (x subject) name() string { return x.status.Target.App }

// remembered is the name of the subject in the history.
func (x subject) remembered() string {
	if x.kind == kindCheck {
		return history.CheckSubject(x.name())
	}
	return history.TargetSubject(x.name())
}

// link leads from the overview to the subject's page.
func (x subject) link() string { return x.kind + "s/" + url.PathEscape(x.name()) }

// group is the heading under which the subject is shown.
func (x subject) group() string {
	if x.kind == kindCheck {
		return groupOfChecks
	}
	return x.status.Target.Group
}

// candidate is the subject for a filter, and row what it looks like. What the reader does
// not see he cannot guess by searching for it either.
func (x subject) candidate(to reader, row *page.Row) *candidate {
	c := candidate{target: x.status.Target, group: x.group(), source: x.status.Target.Source, public: to.public, state: row.State, maintenance: row.Maintenance}
	if x.kind == kindCheck {
		c.source = prober.SourceConfig
	}
	return &c
}

// The headings of what has no group of its own.
const (
	groupOfChecks = "Checks"
	groupOfRest   = "Targets"
)

// reader is who looks at a page, and when.
type reader struct {
	now time.Time
	// public readers see neither places nor reasons; details are what checks say.
	public, details bool
	debug           bool                          // sees transcripts, and what /probe was asked
	login           bool                          // might do more with a token
	covered         func(name, group string) bool // by maintenance
}

func (s *server) reader(r *http.Request, public bool) reader {
	now := time.Now()
	id := requester(r)
	refusal := id.Refuse(access.Write)
	return reader{
		now: now, public: public, login: refusal != nil && refusal.Status == http.StatusUnauthorized,
		details: !public && id.SeesDetails(), debug: !public && id.May(access.Debug), covered: s.Maintenance.Covering(now),
	}
}

// look is as much of a row as it takes to count it.
func (x subject) look(to reader) page.Row {
	t := x.status.Target
	return page.Row{State: x.status.State.Verdict, Paused: t.Paused, Maintenance: to.covered(t.App, t.Group)}
}

// row is what one line says of the subject; figures adds what takes longer to find out.
func (x subject) row(to reader) page.Row {
	t, r := x.status.Target, x.look(to)
	r.Kind, r.Name, r.Group, r.Link = x.kind, t.App, x.group(), x.link()
	r.Since, r.LastHealthy = x.status.Since.In(to.now.Location()), x.status.LastHealthy
	r.Latency, r.LatencySeconds = x.status.Latency, x.status.Latency.Seconds()
	if to.public {
		return r
	}
	if x.kind == kindTarget {
		r.Place = collector.PublicPlace(t.Place())
		if t.MailAllowed {
			r.Mailed = t.Email
		}
	}
	r.Reason = x.reason(to)
	return r
}

// reason says in one line what is wrong, as far as the reader may know.
func (x subject) reason(to reader) string {
	st := x.status
	switch {
	case to.public:
		return ""
	case st.Problem != "":
		return st.Problem
	case x.kind == kindCheck && !to.details:
		return string(st.Reason)
	case st.Error != "":
		return redact.Text(st.Error)
	case st.State.Verdict == health.Unknown && !st.Probed && !st.Target.Paused:
		return "not probed yet"
	case st.State.Verdict == health.Unknown && st.Up:
		return "answers, but not for long enough yet"
	case st.Report != nil && st.State.Verdict == health.Degraded:
		return "reports a warning of itself"
	}
	return ""
}

// latencies are those of the last probes, oldest first.
func (x subject) latencies(n int) []time.Duration {
	return x.of.Latencies(x.name(), n)
}

// changesOf are the last n changes of state, newest first, of the n subjects that have
// changed last. The last n of all are among them.
func changesOf(recent []subject, n int, to reader) []page.Change {
	var list []page.Change
	for _, x := range recent {
		list = append(list, x.changes(to)...)
	}
	slices.SortStableFunc(list, func(a, b page.Change) int { return b.Time.Compare(a.Time) })
	return list[:min(n, len(list))]
}

// changes are those of one subject, newest first.
func (x subject) changes(to reader) []page.Change {
	transitions, _ := x.of.Transitions(x.name())
	list := make([]page.Change, 0, len(transitions))
	until, current := to.now, true
	for _, t := range slices.Backward(transitions) {
		c := page.Change{
			Time: t.Time.In(to.now.Location()), Kind: x.kind, Name: x.name(), Link: x.link(), From: t.From, To: t.To,
			Lasted: until.Sub(t.Time), Seconds: until.Sub(t.Time).Seconds(), Current: current,
		}
		switch {
		case to.public, x.kind == kindCheck && !to.details:
		default:
			c.Reason = redact.Text(t.Reason)
		}
		list = append(list, c)
		until, current = t.Time, false
	}
	return list
}
