package selfmetrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/prober/schedule"
)

var schedulerTable = []stat[schedule.Stats]{
	{
		gauge("health_scheduler_jobs", "Targets on the schedule of this exporter."),
		one(func(s schedule.Stats) int { return s.Jobs }),
	},
	{
		gauge("health_scheduler_in_flight", "Probes under way. Those of slow targets run in a lane of their own.", "lane"),
		func(s schedule.Stats, to add) {
			to(float64(s.InFlight), "fast")
			to(float64(s.InFlightSlow), "slow")
		},
	},
	{
		counter("health_scheduler_probes_started_total", "Probes begun."),
		one(func(s schedule.Stats) uint64 { return s.Started }),
	},
	{
		counter("health_scheduler_skipped_total", "Probes due but not made: the one before was still under way (overlap), or too many were (capacity).", "reason"),
		each(func(s schedule.Stats) map[string]uint64 { return s.Skipped }),
	},
}

// schedulerLateness is the only histogram, and no line of a table.
var schedulerLateness = gauge("health_scheduler_lateness_seconds", "How long after their due time probes began.")

type scheduler struct{ part[schedule.Stats] }

// Scheduler has the figures of the schedule, health_scheduler_*.
func Scheduler(say func() schedule.Stats) prometheus.Collector {
	return scheduler{part[schedule.Stats]{say, schedulerTable}}
}

// Describe is part of prometheus.Collector.
func (s scheduler) Describe(ch chan<- *prometheus.Desc) {
	s.part.Describe(ch)
	ch <- schedulerLateness.desc()
}

// Collect is part of prometheus.Collector.
func (s scheduler) Collect(ch chan<- prometheus.Metric) {
	s.part.Collect(ch)
	late := s.say().Lateness
	ch <- prometheus.MustNewConstHistogram(schedulerLateness.desc(), late.Count, late.Sum, late.Buckets)
}
