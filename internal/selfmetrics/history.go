package selfmetrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/internal/history"
)

var historyTable = []stat[history.Stats]{
	{
		gauge("health_history_subjects", "Targets and checks with a history."),
		one(func(s history.Stats) int { return s.Subjects }),
	},
	{
		gauge("health_history_intervals", "Intervals of one state, of all targets and checks together."),
		one(func(s history.Stats) int { return s.Intervals }),
	},
	{
		gauge("health_history_bytes", "Size of the file that keeps the history."),
		one(func(s history.Stats) int64 { return s.Bytes }),
	},
	{
		counter("health_history_write_errors_total", "Failed attempts to write the history to disk."),
		one(func(s history.Stats) uint64 { return s.Errors }),
	},
	{
		gauge("health_history_recovered", "Whether the file was damaged at start, and only what was sound in it is known."),
		whether(func(s history.Stats) bool { return s.Recovered }),
	},
}

// History has the figures of the history, health_history_*.
func History(say func() history.Stats) prometheus.Collector {
	return part[history.Stats]{say, historyTable}
}
