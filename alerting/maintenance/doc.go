// Package maintenance keeps the maintenance windows that people add while the exporter
// runs, in a file of their own. It neither knows who is told of what, nor the times that
// stand in the configuration.
package maintenance
