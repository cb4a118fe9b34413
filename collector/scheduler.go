package collector

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/prober/schedule"
)

type statsSource interface{ Stats() schedule.Stats }

type scheduler struct{ source statsSource }

// NewScheduler gives the scheduler's own figures, health_scheduler_*.
func NewScheduler(source interface{ Stats() schedule.Stats }) prometheus.Collector {
	return scheduler{source}
}

func (s scheduler) Describe(ch chan<- *prometheus.Desc) {
	described(ch, schedulerJobs, schedulerInFlight, schedulerStarted, schedulerSkipped, schedulerLateness)
}

func (s scheduler) Collect(ch chan<- prometheus.Metric) {
	stats := s.source.Stats()
	ch <- schedulerJobs.of(integer(stats.Jobs))
	ch <- schedulerInFlight.of(integer(stats.InFlight), "fast")
	ch <- schedulerInFlight.of(integer(stats.InFlightSlow), "slow")
	ch <- schedulerStarted.of(integer(stats.Started))
	for reason, n := range stats.Skipped {
		ch <- schedulerSkipped.of(integer(n), reason)
	}
	late := stats.Lateness
	ch <- prometheus.MustNewConstHistogram(schedulerLateness.desc(), late.Count, late.Sum, late.Buckets)
}
