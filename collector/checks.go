package collector

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// NewChecks gives the checks of a health.Checker to a client_golang registry:
// health_check_up, health_check_state and the others, with the label "check". A
// scrape waits for no check: it sees what is known, and has what is too old run
// until the next one.
func NewChecks(checker *health.Checker) prometheus.Collector {
	return newTable(checkSource{checker}, checkFamilies(), "check")
}

// NewScheduledChecks gives checks that a schedule of their own polls as if they were
// targets.
func NewScheduledChecks(source Source) prometheus.Collector {
	return newTable(source, checkFamilies(), "check")
}

// checkFamilies is the table of the targets for checks: without what only the
// network has.
func checkFamilies() []family {
	var list []family
	for _, f := range families {
		if f.check != "" {
			f.name, f.help = "health_check"+strings.TrimPrefix(f.name, "health_target"), f.check
			list = append(list, f)
		}
	}
	return list
}

// checkSource shows the checks of a Checker as the statuses of targets.
type checkSource struct{ checker *health.Checker }

// Snapshot has what is too old run, and gives what is known now.
func (s checkSource) Snapshot() []*schedule.Status {
	s.checker.Refresh()
	known := s.checker.Snapshot()
	list := make([]*schedule.Status, 0, len(known))
	for _, each := range known {
		list = append(list, checkStatus(each))
	}
	slices.SortFunc(list, func(a, b *schedule.Status) int { return strings.Compare(a.Target.App, b.Target.App) })
	return list
}

// checkStatus is a check as if it were a target.
func checkStatus(s *health.Status) *schedule.Status {
	r := &s.Result
	status := &schedule.Status{
		Target: &prober.Target{App: s.Check.Name, Interval: s.Check.Interval},
		State:  s.State, Since: s.Since, LastHealthy: s.LastHealthy,
		Probed: r.Outcome != health.Reset, Up: r.Outcome == health.Pass || r.Outcome == health.Warn,
		LastProbe: r.Time, Latency: r.Duration, Reason: prober.CheckReason(r.Reason),
		Passes: s.Passes, Warns: s.Warns, Fails: s.Fails, Report: prober.CheckReport(r),
	}
	if r.Reason == health.FailStale {
		status.State = health.State{} // a check that is run no more shall not stay healthy for ever
	}
	for reason, n := range s.Failures {
		if i := slices.Index(prober.Reasons(), prober.CheckReason(reason)); i >= 0 {
			status.Failures[i] += uint32(n)
		}
	}
	for i, n := range s.Changes {
		status.Changes[i] = uint32(n)
	}
	return status
}
