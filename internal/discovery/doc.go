// Package discovery finds targets by Prometheus' own service discovery: in files, in
// lists over HTTP, in DNS and, where it is built in, in Kubernetes and Consul. What is
// found goes through Prometheus' own relabelling and becomes targets; Discovery runs
// the mechanisms and keeps the last good list of each.
package discovery
