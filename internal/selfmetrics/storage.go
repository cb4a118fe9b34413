package selfmetrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/prober"
)

var storageTable = []stat[registry.Stats]{
	{
		gauge("health_storage_bytes", "Size of the file that keeps the targets."),
		one(func(s registry.Stats) int64 { return s.Bytes }),
	},
	{
		counter("health_storage_changes_total", "Changes to the set of targets."),
		one(func(s registry.Stats) uint64 { return s.Changes }),
	},
	{
		counter("health_storage_errors_total", "Changes that could not be written to disk."),
		one(func(s registry.Stats) uint64 { return s.Errors }),
	},
	{
		gauge("health_storage_recovered", "Whether the file was damaged at start and has been restored from a backup."),
		whether(func(s registry.Stats) bool { return s.Recovered }),
	},
	{
		gauge("health_storage_failed", "Whether the last attempt to write to disk failed."),
		whether(func(s registry.Stats) bool { return s.DiskFailed }),
	},
	{
		gauge("health_storage_last_backup_timestamp_seconds", "When the file was last backed up. Absent if never."),
		moment(func(s registry.Stats) time.Time { return s.LastBackup }),
	},
	{
		gauge("health_storage_targets", "Targets, by source.", "source"),
		each(func(s registry.Stats) map[prober.Source]int { return s.Targets }),
	},
}

// Storage has the figures of the registry, health_storage_*.
func Storage(say func() registry.Stats) prometheus.Collector {
	return part[registry.Stats]{say, storageTable}
}
