// Package schedule probes targets again and again, each on its own interval, and keeps
// what the results add up to: states, counters, the log of the last probes.
//
// Sync says what shall be polled, Run does it, Snapshot reads what is known. Jobs wait
// in a ring of short slots (wheel) at a phase that their name decides (spread); a probe
// that is due gets a goroutine of its own, within the bounds of lanes. A result goes
// into its job (job), whose Status is replaced whole, so that readers wait for nobody.
package schedule
