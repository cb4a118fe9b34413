package collector

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	targetGone     = metric{"health_target_gone_timestamp_seconds", "When a target was lost although nobody has removed it. Absent once it is back, was deleted, or a week has passed.", gauge, []string{"target", "reason", "email"}}
	targetsExpired = metric{"health_targets_expired_total", "Targets lost although nobody has removed them, by reason.", counter, []string{"reason"}}
)

// GoneTarget is a target that is gone although nobody has removed it.
type GoneTarget struct {
	Target string
	// Reason is a word.
	Reason string
	// Email is who wants to know and may be mailed; empty for nobody in particular.
	Email string
	At    time.Time
}

// GoneStats are the targets that are gone, and how many there were, by reason.
type GoneStats struct {
	Targets []GoneTarget
	Expired map[string]uint64
}

type gone struct{ stats func() GoneStats }

// NewGone gives the metrics of targets that are gone.
func NewGone(stats func() GoneStats) prometheus.Collector { return gone{stats} }

func (g gone) Describe(ch chan<- *prometheus.Desc) { described(ch, targetGone, targetsExpired) }

func (g gone) Collect(ch chan<- prometheus.Metric) {
	s := g.stats()
	for _, t := range s.Targets {
		if at, ok := timestamp(t.At); ok {
			ch <- targetGone.of(at, clean(t.Target), clean(t.Reason), clean(t.Email))
		}
	}
	for reason, n := range s.Expired {
		ch <- targetsExpired.of(integer(n), clean(reason))
	}
}
