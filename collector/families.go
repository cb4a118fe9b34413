package collector

import (
	"fmt"
	"slices"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// kind is the type of a family.
type kind uint8

const (
	gauge kind = iota
	counter
	info
	histogram
)

// family is one line of the table. Exactly one of count, value, nth, series and
// describe says how to read it; all but count give the label "target" to each series.
type family struct {
	name string
	kind kind
	// unit is the suffix of the name that OpenMetrics calls its unit.
	unit string
	help string
	// check is the help of the same family for checks; empty if they have none.
	check string

	// count gives one series for all targets.
	count func([]*schedule.Status) number
	// value gives one series per target, or none.
	value func(*schedule.Status) (number, bool)
	// nth gives a series, or none, for each of the words that label may have.
	label string
	words []string
	nth   func(*schedule.Status, int) (number, bool)
	// series adds any number of series with a value for each of labels.
	labels []string
	series func(*series, *schedule.Status)
	// describe gives the labels of one series of value 1 that depends on nothing
	// but the target, so that it is rendered once.
	describe func(*prober.Target) []label
}

var states = health.Verdicts()

// families is the table, in the order of the page.
var families = []family{
	{
		name:  "health_targets",
		help:  "How many targets there are.",
		check: "How many checks there are.",
		count: func(list []*schedule.Status) number {
			return integer(len(list))
		},
	},
	{
		name:  "health_target_up",
		help:  "Whether the last probe passed, with or without a warning. Absent before the first probe.",
		check: "Whether the last run passed, with or without a warning. Absent before the first run.",
		value: func(s *schedule.Status) (number, bool) {
			return truth(s.Up), s.Probed
		},
	},
	{
		name:  "health_target_state",
		help:  "The debounced state of the target: exactly one is 1.",
		check: "The debounced state of the check: exactly one is 1.",
		label: "state", words: words(states[:]...),
		nth: func(s *schedule.Status, i int) (number, bool) {
			return truth(i == stateIndex(s)), true
		},
	},
	{
		name: "health_target_paused",
		help: "Whether the target is known but not probed.",
		value: func(s *schedule.Status) (number, bool) {
			return truth(s.Target.Paused), true
		},
	},
	{
		name: "health_target_latency_seconds", unit: "seconds",
		help:  "How long the last probe took, from resolving the name to the end of the answer.",
		check: "How long the last run took.",
		value: func(s *schedule.Status) (number, bool) {
			return seconds(s.Latency), s.Probed
		},
	},
	{
		name: "health_target_last_probe_timestamp_seconds", unit: "seconds",
		help:  "When the target was last probed. Absent before the first probe.",
		check: "When the check last ran. Absent before the first run.",
		value: func(s *schedule.Status) (number, bool) {
			at, known := timestamp(s.LastProbe)
			return at, known && s.Probed
		},
	},
	{
		name: "health_target_interval_seconds", unit: "seconds",
		help:  "How often the target is probed.",
		check: "How often the check is run. Absent if that depends on who asks.",
		value: func(s *schedule.Status) (number, bool) {
			return seconds(s.Target.Interval), s.Target.Interval > 0
		},
	},
	{
		name: "health_target_first_probe_timestamp_seconds", unit: "seconds",
		help:  "When the first probe of the target is made, if it has an initial delay. Absent after that.",
		check: "When the check is first run, if it has an initial delay. Absent after that.",
		value: func(s *schedule.Status) (number, bool) {
			at, known := timestamp(s.FirstProbe)
			return at, known && !s.Probed
		},
	},
	{
		name: "health_target_last_healthy_timestamp_seconds", unit: "seconds",
		help:  "When a probe last left the target healthy. Absent if never.",
		check: "When a run last left the check healthy. Absent if never.",
		value: func(s *schedule.Status) (number, bool) {
			return timestamp(s.LastHealthy)
		},
	},
	{
		name: "health_target_state_since_timestamp_seconds", unit: "seconds",
		help:  "When the target entered its state, or became known.",
		check: "When the check entered its state, or became known.",
		value: func(s *schedule.Status) (number, bool) {
			return timestamp(s.Since)
		},
	},
	{
		name:  "health_target_consecutive_failures",
		help:  "How many probes in a row have failed up to now.",
		check: "How many runs in a row have failed up to now.",
		value: func(s *schedule.Status) (number, bool) {
			return integer(s.State.Failures), true
		},
	},
	{
		name:  "health_target_consecutive_successes",
		help:  "How many probes in a row have passed without a warning up to now.",
		check: "How many runs in a row have passed without a warning up to now.",
		value: func(s *schedule.Status) (number, bool) {
			return integer(s.State.Passes), true
		},
	},
	{
		name: "health_target_probes_total", kind: counter,
		help:  "Probes made, by result.",
		check: "Runs, by result.",
		label: "result", words: words(health.Pass, health.Warn, health.Fail),
		nth: func(s *schedule.Status, i int) (number, bool) {
			return integer([...]uint64{s.Passes, s.Warns, s.Fails}[i]), true
		},
	},
	{
		name: "health_target_failures_total", kind: counter,
		help:  "Failed probes, by reason. Only reasons that have occurred are present.",
		check: "Failed runs, by reason. Only reasons that have occurred are present.",
		label: "reason", words: reasons(),
		nth: func(s *schedule.Status, i int) (number, bool) {
			return integer(s.Failures[i]), s.Failures[i] > 0
		},
	},
	{
		name: "health_target_probes_skipped_total", kind: counter,
		help:  "Probes that were due but not made, because the one before was still under way or too many were.",
		check: "Runs that were due but not made, because the one before was still under way or too many were.",
		value: func(s *schedule.Status) (number, bool) {
			return integer(s.Skipped), true
		},
	},
	{
		name: "health_target_body_errors_total", kind: counter,
		help: "Answers declared as health+json that could not be read as such.",
		value: func(s *schedule.Status) (number, bool) {
			return integer(s.BodyErrors), true
		},
	},
	{
		name: "health_target_state_changes_total", kind: counter,
		help:  "Changes of state, by the state entered.",
		check: "Changes of state, by the state entered.",
		label: "to", words: words(states[:]...),
		nth: func(s *schedule.Status, i int) (number, bool) {
			return integer(s.Changes[i]), true
		},
	},
	{
		name: "health_target_http_status_code",
		help: "The HTTP status code of the last answer. Absent if there was none.",
		value: func(s *schedule.Status) (number, bool) {
			return integer(s.StatusCode), s.StatusCode != 0
		},
	},
	{
		name: "health_target_cert_expiry_timestamp_seconds", unit: "seconds",
		help: "When the first certificate of the target's chain expires. Absent without TLS.",
		value: func(s *schedule.Status) (number, bool) {
			return timestamp(s.CertExpiry)
		},
	},
	{
		name:   "health_target_observed_value",
		help:   "Numbers that the target's health+json reports, in the unit it names; at most 50 per target.",
		check:  "Numbers that the check observes, in the unit it names; at most 50 per check.",
		labels: []string{"component", "measurement", "component_id", "unit"},
		series: observed,
	},
	{
		name: "health_target_version_info", kind: info,
		help:   "The version that the target's health+json reports.",
		labels: []string{"version", "release_id", "service_id"},
		series: reportedVersion,
	},
	{
		name: "health_target_info", kind: info,
		help:     "What is known of the target itself: where it is, how it is probed, who wants to know, and its own labels.",
		describe: describe,
	},
}

// stateIndex is the place of a target's state among all states.
func stateIndex(s *schedule.Status) int {
	if s.State.Verdict > health.Unhealthy {
		return int(health.Unknown)
	}
	return int(s.State.Verdict)
}

func words[T fmt.Stringer](list ...T) []string {
	var names []string
	for _, word := range list {
		names = append(names, word.String())
	}
	return names
}

func reasons() []string {
	var names []string
	for _, reason := range prober.Reasons() {
		names = append(names, string(reason))
	}
	return names
}

// Names lists the names of all families of this package, sorted, as they are in
// the text format.
func Names() []string {
	var names []string
	for i := range families {
		names = append(names, families[i].name)
	}
	for _, f := range checkFamilies() {
		names = append(names, f.name)
	}
	for _, m := range slices.Concat(selfMetrics, environmentMetrics) {
		names = append(names, m.name)
	}
	slices.Sort(names)
	return names
}
