// Package selfmetrics has the exporter's metrics about its own parts: for each part a
// table, each line of which is a metric and how to read it from what the part itself
// says of how it goes. Nothing is copied in between: a new metric is a figure in the
// part, and a line here.
//
// What is known of targets and checks is package collector's.
package selfmetrics
