// Package app wires the parts together: it brings what is configured and
// registered onto the schedule, reloads, saves, and shuts down in order.
package app
