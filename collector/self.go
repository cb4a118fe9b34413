package collector

import "github.com/prometheus/client_golang/prometheus"

// metric is a family about the exporter itself. The descriptions stand together
// in selfMetrics, so that Names has them all.
type metric struct {
	name, help string
	kind       kind
	labels     []string
}

var (
	buildInfo = metric{"health_exporter_build_info", "The version of the exporter.", info, []string{"version", "revision", "goversion"}}

	reloadSuccessful  = metric{"health_exporter_config_last_reload_successful", "Whether the last attempt to load the configuration was successful.", gauge, nil}
	reloadLastSuccess = metric{"health_exporter_config_last_reload_success_timestamp_seconds", "When the configuration was last loaded with success.", gauge, nil}

	// The names that blackbox_exporter has for the same things: alerts exist for them.
	blackboxReloadSuccessful  = metric{"blackbox_exporter_config_last_reload_successful", "Whether the last attempt to load the configuration was successful, by blackbox_exporter's name.", gauge, nil}
	blackboxReloadLastSuccess = metric{"blackbox_exporter_config_last_reload_success_timestamp_seconds", "When the configuration was last loaded with success, by blackbox_exporter's name.", gauge, nil}
	blackboxUnknownModule     = metric{"blackbox_module_unknown_total", "Ad-hoc probes that asked for a module that does not exist.", counter, nil}

	// The name is what users of blackbox_exporter have asked it for.
	httpDuration = metric{"probe_http_duration", "How many seconds probes over HTTP took, scheduled or ad hoc. A native histogram.", histogram, []string{"module"}}

	probeDuration = metric{"health_probe_duration_seconds", "How long the scheduled probes of targets took, by their module and result.", histogram, []string{"module", "result"}}

	schedulerJobs     = metric{"health_scheduler_jobs", "Targets on the schedule of this exporter.", gauge, nil}
	schedulerInFlight = metric{"health_scheduler_in_flight", "Probes under way. Those that have been slow go in a lane of their own.", gauge, []string{"lane"}}
	schedulerStarted  = metric{"health_scheduler_probes_started_total", "Probes begun.", counter, nil}
	schedulerSkipped  = metric{"health_scheduler_skipped_total", "Probes due but not made: the one before was still under way (overlap), or too many were (capacity).", counter, []string{"reason"}}
	schedulerLateness = metric{"health_scheduler_lateness_seconds", "How long after their due time probes began.", gauge, nil}

	historySubjects  = metric{"health_history_subjects", "Targets and checks whose past is known.", gauge, nil}
	historyIntervals = metric{"health_history_intervals", "Times in one state that are known of all of them together.", gauge, nil}
	historyBytes     = metric{"health_history_bytes", "Size of the file that keeps the history.", gauge, nil}
	historyErrors    = metric{"health_history_write_errors_total", "Attempts to write the history to disk that failed.", counter, nil}
	historyRecovered = metric{"health_history_recovered", "Whether the file was damaged at start, and only what was sound in it is known.", gauge, nil}

	notificationsQueued  = metric{"health_notifications_queued", "Notices of changes that wait to be told.", gauge, nil}
	notificationsOldest  = metric{"health_notifications_oldest_age_seconds", "How long the oldest notice has been waiting; 0 if none is.", gauge, nil}
	notificationsSent    = metric{"health_notifications_sent_total", "Deliveries: mails, or alerts taken by an Alertmanager.", counter, nil}
	notificationsFailed  = metric{"health_notifications_failed_total", "Attempts to deliver that failed, by reason. Only reasons that have occurred are there.", counter, []string{"reason"}}
	notificationsDropped = metric{"health_notifications_dropped_total", "Notices that were never told: too many waited, or the recipient is refused.", counter, nil}

	storageBytes      = metric{"health_storage_bytes", "Size of the file that keeps the targets.", gauge, nil}
	storageChanges    = metric{"health_storage_changes_total", "Changes to the set of targets.", counter, nil}
	storageErrors     = metric{"health_storage_errors_total", "Changes that could not be written to disk.", counter, nil}
	storageRecovered  = metric{"health_storage_recovered", "Whether the file was damaged at start and has been restored from a backup.", gauge, nil}
	storageFailed     = metric{"health_storage_failed", "Whether the last attempt to write to disk went wrong.", gauge, nil}
	storageLastBackup = metric{"health_storage_last_backup_timestamp_seconds", "When the file was last backed up. Absent if never.", gauge, nil}
	storageTargets    = metric{"health_storage_targets", "Targets, by the source that told of them.", gauge, []string{"source"}}

	zeroconfUp         = metric{"health_zeroconf_up", "Whether announcing, or browsing, works. Absent if it is switched off.", gauge, []string{"role"}}
	zeroconfErrors     = metric{"health_zeroconf_errors_total", "Attempts to announce, or to browse, that failed.", counter, []string{"role"}}
	zeroconfInterfaces = metric{"health_zeroconf_interfaces", "Network interfaces that the exporter is announced on.", gauge, nil}
	zeroconfVisible    = metric{"health_zeroconf_self_visible", "Whether the exporter has found itself by browsing, at the last look.", gauge, nil}
	zeroconfRenamed    = metric{"health_zeroconf_renamed_total", "Times that another host had our name, and we took another.", counter, nil}
	zeroconfTargets    = metric{"health_zeroconf_targets", "Targets found on the network, by type of service.", gauge, []string{"type"}}
	zeroconfEvents     = metric{"health_zeroconf_events_total", "What has happened to targets found on the network: added, updated, removed, or gone with a goodbye.", counter, []string{"event"}}
	zeroconfDropped    = metric{"health_zeroconf_dropped_total", "Times that a service was found that does not become a target, by reason. Only reasons that have occurred are there.", counter, []string{"reason"}}
)

var selfMetrics = []metric{
	buildInfo, reloadSuccessful, reloadLastSuccess,
	blackboxReloadSuccessful, blackboxReloadLastSuccess, blackboxUnknownModule, httpDuration, probeDuration,
	schedulerJobs, schedulerInFlight, schedulerStarted, schedulerSkipped, schedulerLateness,
	historySubjects, historyIntervals, historyBytes, historyErrors, historyRecovered,
	notificationsQueued, notificationsOldest, notificationsSent, notificationsFailed, notificationsDropped,
	targetGone, targetsExpired,
	discoveryTargets, discoveryLastList, discoveryFailures, discoveryDropped,
	storageBytes, storageChanges, storageErrors, storageRecovered, storageFailed, storageLastBackup, storageTargets,
	zeroconfUp, zeroconfErrors, zeroconfInterfaces, zeroconfVisible, zeroconfRenamed, zeroconfTargets, zeroconfEvents, zeroconfDropped,
}

func (m metric) desc() *prometheus.Desc { return newDesc(m.name, m.help, "", m.labels...) }

// described sends the descriptions of all the metrics.
func described(ch chan<- *prometheus.Desc, list ...metric) {
	for _, m := range list {
		ch <- m.desc()
	}
}

func (m metric) of(v number, labels ...string) prometheus.Metric {
	return newMetric(m.desc(), m.kind, v, labels...)
}
