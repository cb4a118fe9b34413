// Package page renders the status pages, badges and the feed of the exporter. It is
// given values and writes HTML, SVG and Atom; it asks nobody for anything.
package page
