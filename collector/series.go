package collector

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/health-exporter/health_exporter/prober/schedule"
)

// series collects what a family with label values from outside has for one
// target. It is reused from target to target.
type series struct {
	numbers []number
	// values holds the clean label values of all series, one after the other.
	values []string
	// keys is room for sorting.
	keys []string
}

func (s *series) reset() {
	s.numbers, s.values, s.keys = s.numbers[:0], s.values[:0], s.keys[:0]
}

// forget drops what keeps the texts of others alive.
func (s *series) forget() {
	clear(s.values[:cap(s.values)])
	clear(s.keys[:cap(s.keys)])
	s.reset()
}

// add adds a series unless there is one with the same labels.
func (s *series) add(v number, values ...string) {
	for at := 0; at < len(s.values); at += len(values) {
		if slices.Equal(s.values[at:at+len(values)], values) {
			return
		}
	}
	s.numbers = append(s.numbers, v)
	s.values = append(s.values, values...)
}

// reportedVersion adds the one series of health_target_version_info.
func reportedVersion(out *series, s *schedule.Status) {
	r := s.Report
	if r == nil || r.Version == "" && r.ReleaseID == "" && r.ServiceID == "" {
		return
	}
	out.add(integer(1), foreign(r.Version), foreign(r.ReleaseID), foreign(r.ServiceID))
}

// maxObserved is how many observed values of one target are exposed.
const maxObserved = 50

// observed adds the numbers among the observed values of a health+json report.
// Which ones are left out beyond the limit does not change from scrape to scrape.
func observed(out *series, s *schedule.Status) {
	if s.Report == nil {
		return
	}
	for key := range s.Report.Checks {
		out.keys = append(out.keys, key)
	}
	slices.Sort(out.keys)
	for _, key := range out.keys {
		component, measurement, _ := strings.Cut(key, ":")
		component, measurement = foreign(component), foreign(measurement)
		elements := s.Report.Checks[key]
		for i := range elements {
			if len(out.numbers) == maxObserved {
				return
			}
			e := &elements[i]
			if v, ok := numeric(e.ObservedValue); ok {
				out.add(v, component, measurement, foreign(e.ComponentID), foreign(e.ObservedUnit))
			}
		}
	}
}

// numeric reads what may stand in decoded JSON, or in a report made in Go.
func numeric(v any) (number, bool) {
	switch v := v.(type) {
	case float64:
		return float(v), true
	case json.Number:
		f, err := v.Float64()
		return float(f), err == nil
	case int:
		return integer(v), true
	case int64:
		return integer(v), true
	}
	return number{}, false
}
