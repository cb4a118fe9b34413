// Package lan tests multicast DNS, with a real Avahi, and ICMP between two hosts that
// are network namespaces. It has nothing but tests.
package lan
