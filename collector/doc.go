// Package collector turns snapshots of what is known into Prometheus metrics.
//
// One table holds every family of the targets: its name, what it means and how
// to read it from a schedule.Status. Two renderers share the table: Page writes
// the text and OpenMetrics formats itself, in memory that does not grow with
// the number of targets; NewTargets gives the same as const metrics to those
// who use client_golang. Nothing is ever set: a target that is gone from the
// snapshot is gone from the metrics. Checks have the same table, less what only the
// network has.
//
// Beside it are what a probe on request has found, histograms of durations, and what a
// program runs on. What the exporter says of its own parts is not part of this package.
package collector
