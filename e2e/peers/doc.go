// Package peers holds the tests of probes against programs that people run: nginx,
// Unbound, dnsmasq, Squid. Each test starts its own on free ports of loopback.
package peers
