package server

import (
	"net/http"

	"github.com/health-exporter/health_exporter/client/api"
	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/internal/server/page"
	"github.com/health-exporter/health_exporter/prober"
)

// maxNotHealthy bounds what a status names; so many are named if nobody says how many.
const maxNotHealthy, defaultNotHealthy = 1000, 100

// status answers whether all is well, and what is not.
func (s *server) status(w http.ResponseWriter, r *http.Request) {
	p := readParams(r)
	limit, f := p.number("limit", 1, maxNotHealthy, defaultNotHealthy), p.filter()
	if fault := p.refused(); fault != nil {
		fault.write(w)
		return
	}
	to, seesAll := s.reader(r, false), s.seesAll(r)
	subjects := s.subjects()
	v := api.Status{Total: len(subjects), NotHealthy: []api.Subject{}}
	if !f.empty() {
		subjects = matchingOf(subjects, &f, to, seesAll)
	}
	t := count(subjects, &filter{}, to, limit, 0)
	worst := t.counts().Worst()
	v.Worst, v.Since = stateName(worst), moment(t.since(worst))
	v.Targets, v.Checks = viewCounts(t.targets), viewCounts(t.checks)
	troubled, more := t.troubled.list()
	v.NotHealthyMore = more
	v.Exporter = s.troubles(r.Context(), to)
	for _, x := range troubled {
		v.NotHealthy = append(v.NotHealthy, x.view(to, seesAll))
	}
	writeJSON(w, http.StatusOK, "application/json", v)
}

// matchingOf are the subjects that a filter lets through.
func matchingOf(subjects []subject, f *filter, to reader, seesAll func(*prober.Target) bool) (list []subject) {
	for _, x := range subjects {
		row := x.look(to)
		c := x.candidate(to, &row)
		c.seesAll = seesAll(x.status.Target)
		if f.passes(c) {
			list = append(list, x)
		}
	}
	return list
}

// view is the subject in short, as far as the reader may see it.
func (x subject) view(to reader, seesAll func(*prober.Target) bool) api.Subject {
	st := x.status
	v := api.Subject{
		Kind: x.kind, Name: x.name(), Group: x.group(), State: stateName(st.State.Verdict), Since: moment(st.Since),
		Reason: x.reason(to), Place: st.Target.Place(), LastCheck: moment(st.LastProbe),
	}
	if !seesAll(st.Target) {
		v.Place = collector.PublicPlace(v.Place)
	}
	if !st.LastProbe.IsZero() {
		v.LastLatency = new(st.Latency.Seconds())
	}
	return v
}

func viewCounts(c page.Counts) api.Counts {
	return api.Counts{
		Unhealthy: c.Unhealthy, Degraded: c.Degraded, Unknown: c.Unknown, Healthy: c.Healthy, Maintenance: c.Maintenance, Paused: c.Paused,
	}
}
