package selfmetrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Reloads say how the configuration was last loaded.
type Reloads struct {
	// Successful is whether the last attempt was.
	Successful bool
	// LastSuccess is when an attempt last was; zero if none ever.
	LastSuccess time.Time
}

func (r Reloads) successful() bool       { return r.Successful }
func (r Reloads) lastSuccess() time.Time { return r.LastSuccess }

// reloadTable has each figure twice: alerts exist for blackbox_exporter's names too.
var reloadTable = []stat[Reloads]{
	{
		gauge("health_exporter_config_last_reload_successful", "Whether the last attempt to load the configuration was successful."),
		whether(Reloads.successful),
	},
	{
		gauge("health_exporter_config_last_reload_success_timestamp_seconds", "When the configuration was last loaded with success."),
		moment(Reloads.lastSuccess),
	},
	{
		gauge("blackbox_exporter_config_last_reload_successful", "Whether the last attempt to load the configuration was successful, by blackbox_exporter's name."),
		whether(Reloads.successful),
	},
	{
		gauge("blackbox_exporter_config_last_reload_success_timestamp_seconds", "When the configuration was last loaded with success, by blackbox_exporter's name."),
		moment(Reloads.lastSuccess),
	},
}

// Reload has the two gauges that the Prometheus family has for reloads.
func Reload(say func() Reloads) prometheus.Collector { return part[Reloads]{say, reloadTable} }

var adHocTable = []stat[uint64]{
	{
		counter("blackbox_module_unknown_total", "Ad-hoc probes that asked for a module that does not exist."),
		one(func(unknown uint64) uint64 { return unknown }),
	},
}

// AdHoc has the figures of /probe: how often it was asked for a module that does not
// exist.
func AdHoc(unknownModules func() uint64) prometheus.Collector {
	return part[uint64]{unknownModules, adHocTable}
}
