package collector

import "github.com/prometheus/client_golang/prometheus"

// HistoryStats are the figures of whatever keeps which target was in which state when.
type HistoryStats struct {
	// Subjects counts targets and checks, Intervals the times they were in one state.
	Subjects, Intervals int
	// Bytes is the size of the file.
	Bytes int64
	// Errors counts the attempts to write it that failed.
	Errors uint64
	// Recovered says that the file was damaged at start.
	Recovered bool
}

type history struct{ stats func() HistoryStats }

// NewHistory gives the figures of the history, health_history_*.
func NewHistory(stats func() HistoryStats) prometheus.Collector { return history{stats} }

func (h history) Describe(ch chan<- *prometheus.Desc) {
	described(ch, historySubjects, historyIntervals, historyBytes, historyErrors, historyRecovered)
}

func (h history) Collect(ch chan<- prometheus.Metric) {
	s := h.stats()
	ch <- historySubjects.of(integer(s.Subjects))
	ch <- historyIntervals.of(integer(s.Intervals))
	ch <- historyBytes.of(integer(s.Bytes))
	ch <- historyErrors.of(integer(s.Errors))
	ch <- historyRecovered.of(truth(s.Recovered))
}
