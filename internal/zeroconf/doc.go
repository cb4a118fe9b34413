// Package zeroconf announces the exporter on the local network by multicast DNS, and
// browses the network for services to probe.
//
// What comes from the network is not to be trusted: multicast DNS has no
// authentication. Names, texts and addresses are checked in one place (Policy), what
// is remembered is bounded, and whatever is refused is counted and nothing else.
package zeroconf
