package server

import (
	"iter"
	"net/http"
	"sort"
	"strconv"
	"time"

	"github.com/health-exporter/health_exporter/client/api"
	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// listed is a target of a list, with what is known of it; status is nil if that was not
// looked up, or if there is none.
type listed struct {
	target *prober.Target
	status *schedule.Status
}

// listTargets lists all targets, those that a filter lets through, or a page of either.
func (s *server) listTargets(w http.ResponseWriter, r *http.Request) {
	p := readParams(r)
	of, f, fields := p.part(), p.filter(), p.fields()
	if fault := p.refused(); fault != nil {
		fault.write(w)
		return
	}
	covered, seesAll := s.Maintenance.Covering(time.Now()), s.seesAll(r)
	l := list[listed]{name: "targets", all: s.listed(of, &f, covered, seesAll), key: func(x listed) string { return x.target.App }}
	if f.empty() {
		l.total = func() int { return len(s.Registry.Targets()) }
	}
	cheap := fields.among("app", "group", "paused", "source")
	l.view = func(x listed) any {
		if t := x.target; cheap {
			return fields.of(&api.Target{Registration: api.Registration{App: t.App, Group: t.Group}, Paused: t.Paused, Source: string(t.Source)})
		}
		if x.status == nil && of.paged {
			x.status, _ = s.Scheduler.Status(x.target.App)
		}
		v := s.view(x.target, x.status, seesAll(x.target))
		v.Maintenance = covered(x.target.App, x.target.Group)
		return fields.of(&v)
	}
	l.answer(w, r, of)
}

// listed gives the targets that a filter lets through, sorted by name. What is known of
// them is looked up on the way if all of it is wanted.
func (s *server) listed(of part, f *filter, covered func(app, group string) bool, seesAll func(*prober.Target) bool) iter.Seq[listed] {
	return func(yield func(listed) bool) {
		targets, statusOf := s.Registry.Targets(), func(string) *schedule.Status { return nil }
		if f.empty() { // then nobody counts those before
			targets = targets[sort.Search(len(targets), func(i int) bool { return targets[i].App > of.after }):]
		}
		if !of.paged || len(f.states) > 0 {
			statusOf = following(s.Scheduler.Snapshot())
		}
		for _, t := range targets {
			x := listed{t, statusOf(t.App)}
			if !f.empty() {
				c := candidate{target: t, group: t.Group, source: t.Source, seesAll: seesAll(t)}
				if len(f.states) > 0 {
					c.state, c.maintenance = x.verdict(), covered(t.App, t.Group)
				}
				if !f.passes(&c) {
					continue
				}
			}
			if !yield(x) {
				return
			}
		}
	}
}

// verdict is the state of the target, as far as it is of the place where the target is now.
func (x *listed) verdict() health.Verdict {
	if x.status == nil || x.status.Target.Place() != x.target.Place() {
		return health.Unknown
	}
	return x.status.State.Verdict
}

// following finds what is known of targets that are asked for in the order of their
// names.
func following(snapshot []*schedule.Status) func(app string) *schedule.Status {
	return func(app string) *schedule.Status {
		for len(snapshot) > 0 && snapshot[0].Target.App < app {
			snapshot = snapshot[1:]
		}
		if len(snapshot) > 0 && snapshot[0].Target.App == app {
			return snapshot[0]
		}
		return nil
	}
}

// serviceDiscovery lists the targets as Prometheus' http_sd_config reads them.
func (s *server) serviceDiscovery(w http.ResponseWriter, r *http.Request) {
	p := readParams(r)
	f := p.filter()
	if fault := p.refused(); fault != nil {
		fault.write(w)
		return
	}
	seesAll := s.seesAll(r)
	out := startList(w, r, "[")
	for x := range s.listed(part{paged: true}, &f, s.Maintenance.Covering(time.Now()), seesAll) {
		if !out.add(discovered(x.target, seesAll(x.target))) {
			return
		}
	}
	out.end("]\n")
}

// sdGroup is a list of targets with labels, as Prometheus reads it.
type sdGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

func discovered(t *prober.Target, seesAll bool) sdGroup {
	place := t.Place()
	if !seesAll {
		place = collector.PublicPlace(place)
	}
	labels := map[string]string{
		"__meta_health_exporter_app":    t.App,
		"__meta_health_exporter_module": t.ModuleName(),
		"__meta_health_exporter_group":  t.Group,
		"__meta_health_exporter_source": string(t.Source),
		"__meta_health_exporter_paused": strconv.FormatBool(t.Paused),
	}
	for name, value := range t.Labels {
		labels["__meta_health_exporter_label_"+name] = value
	}
	return sdGroup{[]string{place}, labels}
}
