// Package prober probes a network target once: Module.Probe turns a Request into a
// Result within the deadline of its context.
//
// A kind of probe is the files that begin with its name and one line in the table
// of kinds: the files hold the kind's configuration, its defaults, its validation
// and the probe. What kinds share is named after what it does: outbound and network
// (where we may connect to), tls, dialogue, classify (what an error means).
//
// The results carry the probe_* metrics as plain values; turning them into a page of
// metrics, decoding files, and deciding when to probe is left to others: see package
// prober/schedule for the last.
package prober
