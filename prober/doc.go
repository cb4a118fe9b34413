// Package prober probes network targets: once (Module.Probe), or each on its
// own interval (Scheduler), keeping the state of every one.
//
// A kind of probe is one file and one line in the table of kinds: the file
// holds the kind's configuration, its defaults, its validation and the probe.
// Nothing here knows Prometheus, YAML or where targets come from.
package prober
