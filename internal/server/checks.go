package server

import (
	"net/http"
	"slices"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// checkView is an in-process check as the API shows it. Times are null when never.
type checkView struct {
	Name        string         `json:"name"`
	Kind        string         `json:"kind"`
	Interval    float64        `json:"interval"`
	State       health.Verdict `json:"state"`
	Up          *bool          `json:"up"`
	Maintenance bool           `json:"maintenance,omitempty"`

	LastCheck       *time.Time    `json:"last_check"`
	LastHealthy     *time.Time    `json:"last_healthy"`
	LastStateChange *time.Time    `json:"last_state_change"`
	NextCheck       *time.Time    `json:"next_check"`
	LastLatency     *float64      `json:"last_latency_seconds"`
	LastReason      prober.Reason `json:"last_reason,omitempty"`
	// LastError is for those who may see what checks say.
	LastError string `json:"last_error,omitempty"`
}

// listChecks lists the in-process checks of the configuration, or a page of them.
func (s *server) listChecks(w http.ResponseWriter, r *http.Request) {
	p := readParams(r)
	of := p.part()
	if fault := p.refused(); fault != nil {
		fault.write(w)
		return
	}
	to := s.reader(r, false)
	l := list[*schedule.Status]{
		name: "checks", all: slices.Values(s.Checks.Snapshot()), key: func(st *schedule.Status) string { return st.Target.App },
		view: func(st *schedule.Status) any { return s.viewCheck(st, to) },
	}
	l.answer(w, r, of)
}

func (s *server) viewCheck(st *schedule.Status, to reader) checkView {
	x := subject{kindCheck, st, s.Checks.Schedule}
	v := checkView{
		Name: x.name(), Kind: st.Check.Kind, Interval: st.Target.Interval.Seconds(), State: st.State.Verdict,
		Maintenance: to.covered(x.name(), ""), LastCheck: moment(st.LastProbe), LastHealthy: moment(st.LastHealthy),
		LastStateChange: moment(st.Since), NextCheck: moment(s.Checks.NextProbe(x.name())), LastReason: st.Reason,
	}
	if st.Probed {
		v.Up, v.LastLatency = new(st.Up), new(st.Latency.Seconds())
	}
	if to.details {
		v.LastError = x.reason(to)
	}
	return v
}
