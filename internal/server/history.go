package server

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/health-exporter/health_exporter/client/api"
	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/internal/history"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

const (
	// maxIntervals bounds the intervals of one answer; the newest are given.
	maxIntervals = 1000
	// maxRange is the longest time that may be asked for.
	maxRange = 366 * 24 * time.Hour
	// defaultRange is what is given of the past if nobody says from when.
	defaultRange = 24 * time.Hour
)

// History has the states of targets and checks over time, by subject.
type History interface {
	Read(subject string, from, to time.Time) []history.Interval
	Sum(subject string, from, to time.Time) history.Sums
	// AppendBuckets sums n times of one width, from a moment on.
	AppendBuckets(list []history.Bucket, subject string, from time.Time, width time.Duration, n int) []history.Bucket
}

// uptimeSpans are the times, up to now, of which the share is given.
var uptimeSpans = []uptimeSpan{
	{"24h", "24 h", 24 * time.Hour}, {"7d", "7 d", 7 * 24 * time.Hour}, {"30d", "30 d", 30 * 24 * time.Hour}, {"365d", "365 d", 365 * 24 * time.Hour},
}

// uptimeSpan has the name of a span in requests, and the words for it on pages.
type uptimeSpan struct {
	name, words string
	span        time.Duration
}

// uptimeView is the share of time in which it worked, null if that is not known, and
// what it is made of.
type uptimeView struct {
	Share   *float64           `json:"share"`
	Seconds map[string]float64 `json:"seconds"`
}

// intervalView is a time in one state. State is NO_DATA where nothing is known.
type intervalView struct {
	From        time.Time `json:"from"`
	To          time.Time `json:"to"`
	State       string    `json:"state"`
	Paused      bool      `json:"paused,omitempty"`
	Maintenance bool      `json:"maintenance,omitempty"`
}

// historyQuery is what a request asks for.
type historyQuery struct {
	limit    int
	from, to time.Time
}

// targetHistory gives the last probes and changes of state, the uptime, and the states
// over time.
func (s *server) targetHistory(w http.ResponseWriter, r *http.Request) {
	t := s.find(w, r)
	if t == nil {
		return
	}
	now, p := time.Now(), readParams(r)
	q := p.historyQuery(now)
	if fault := p.refused(); fault != nil {
		fault.write(w)
		return
	}
	entries, _ := s.Scheduler.History(t.App, q.limit)
	views := make([]api.Entry, len(entries))
	debug := mayDebug(r)
	for i, e := range entries {
		views[i] = viewEntry(e, debug)
	}
	known, _ := s.Scheduler.Transitions(t.App)
	transitions := slices.Clone(known)
	for i := range transitions {
		transitions[i].Reason = redact.Text(transitions[i].Reason)
	}
	if transitions == nil {
		transitions = []schedule.Transition{}
	}
	subject := history.TargetSubject(t.App)
	intervals, dropped := s.intervals(subject, q.from, q.to)
	writeJSON(w, http.StatusOK, "application/json", map[string]any{
		"entries": views, "transitions": transitions, "uptime": s.uptime(subject, now),
		"intervals": intervals, "intervals_dropped": dropped,
	})
}

// historyQuery reads limit, from and to.
func (p *params) historyQuery(now time.Time) (q historyQuery) {
	q.limit = p.number("limit", 1, schedule.HistoryLimit, schedule.HistoryLimit)
	from, fromOK := p.moment("from")
	to, toOK := p.moment("to")
	if !fromOK || !toOK {
		return q
	}
	switch {
	case from.IsZero() && to.IsZero():
		from, to = now.Add(-defaultRange), now
	case to.IsZero():
		to = now
	case from.IsZero():
		from = to.Add(-defaultRange)
	}
	switch {
	case !from.Before(to):
		p.fault("from", fmt.Sprintf("%s must be before to, which is %s", from.Format(time.RFC3339), to.Format(time.RFC3339)))
	case to.Sub(from) > maxRange:
		p.fault("from", fmt.Sprintf("must be at most %d days before to", maxRange/(24*time.Hour)))
	}
	q.from, q.to = from, to
	return q
}

// intervals are the newest of those in a range, oldest first, and how many more there are.
func (s *server) intervals(subject string, from, to time.Time) (views []intervalView, dropped int) {
	list := s.History.Read(subject, from, to)
	dropped = max(0, len(list)-maxIntervals)
	views = []intervalView{}
	for _, i := range list[dropped:] {
		view := intervalView{From: i.From.UTC(), To: i.To.UTC(), State: "NO_DATA"}
		if !i.State.Has(history.NoData) {
			view.State = stateName(i.State.Verdict())
			view.Paused, view.Maintenance = i.State.Has(history.Paused), i.State.Has(history.Maintenance)
		}
		views = append(views, view)
	}
	return views, dropped
}

func (s *server) uptime(subject string, now time.Time) map[string]uptimeView {
	views := make(map[string]uptimeView, len(uptimeSpans))
	for _, each := range uptimeSpans {
		sums := s.History.Sum(subject, now.Add(-each.span), now)
		view := uptimeView{Seconds: map[string]float64{
			"healthy": sums.Healthy.Seconds(), "degraded": sums.Degraded.Seconds(), "unhealthy": sums.Unhealthy.Seconds(),
			"unknown": sums.Unknown.Seconds(), "maintenance": sums.Maintenance.Seconds(), "paused": sums.Paused.Seconds(),
			"no_data": sums.NoData.Seconds(),
		}}
		if share, known := sums.Uptime(); known {
			view.Share = &share
		}
		views[each.name] = view
	}
	return views
}
