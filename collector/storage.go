package collector

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// StorageStats are the figures of whatever keeps the targets.
type StorageStats struct {
	// TargetsBySource counts the targets by who told of them: "config", "api", …
	TargetsBySource map[string]int
	// Changes counts the changes to the set, Errors those that did not reach the disk.
	Changes, Errors uint64
	// Recovered says that a backup had to stand in for a damaged file.
	Recovered bool
	// Failed says that the last attempt to write went wrong.
	Failed bool
	// LastBackup is zero if there was none.
	LastBackup time.Time
	// Bytes is the size of the file.
	Bytes int64
}

type storage struct{ stats func() StorageStats }

// NewStorage gives the figures of the storage, health_storage_*.
func NewStorage(stats func() StorageStats) prometheus.Collector { return storage{stats} }

func (s storage) Describe(ch chan<- *prometheus.Desc) {
	described(ch, storageBytes, storageChanges, storageErrors, storageRecovered,
		storageFailed, storageLastBackup, storageTargets)
}

func (s storage) Collect(ch chan<- prometheus.Metric) {
	stats := s.stats()
	ch <- storageBytes.of(integer(stats.Bytes))
	ch <- storageChanges.of(integer(stats.Changes))
	ch <- storageErrors.of(integer(stats.Errors))
	ch <- storageRecovered.of(truth(stats.Recovered))
	ch <- storageFailed.of(truth(stats.Failed))
	if at, ok := timestamp(stats.LastBackup); ok {
		ch <- storageLastBackup.of(at)
	}
	for source, n := range stats.TargetsBySource {
		ch <- storageTargets.of(integer(n), clean(source))
	}
}
