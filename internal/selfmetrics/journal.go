package selfmetrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/internal/journal"
)

var journalTable = []stat[journal.Stats]{
	{
		gauge("health_journal_events", "Events that are kept of what happened to targets and checks."),
		one(func(s journal.Stats) int { return s.Kept }),
	},
	{
		gauge("health_journal_unwritten_events", "Events that are not on disk yet."),
		one(func(s journal.Stats) int { return s.Unwritten }),
	},
}

// Journal has the figures of the journal, health_journal_*.
func Journal(say func() journal.Stats) prometheus.Collector {
	return part[journal.Stats]{say, journalTable}
}
