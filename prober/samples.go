package prober

import (
	"hash/fnv"
	"net/netip"
	"time"
)

func gauge(name, help string, value float64, labels ...Label) Sample {
	return Sample{Name: name, Help: help, Labels: labels, Value: value}
}

func boolValue(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// addressSamples are the metrics of choosing an address; the zero address is
// one that was not found.
func addressSamples(samples []Sample, addr netip.Addr, took time.Duration) []Sample {
	protocol, hash := 0.0, 0.0
	if addr.IsValid() {
		protocol, hash = 4, addressHash(addr)
		if addr.Is6() {
			protocol = 6
		}
	}
	return append(samples,
		gauge("probe_dns_lookup_time_seconds", "Returns the time taken for probe dns lookup in seconds", took.Seconds()),
		gauge("probe_ip_protocol", "Specifies whether probe ip protocol is IP4 or IP6", protocol),
		gauge("probe_ip_addr_hash", "Specifies the hash of IP address. It's useful to detect if the IP address changes.", hash))
}

// addressHash is FNV-1a over the 4 or 16 bytes of the address.
func addressHash(addr netip.Addr) float64 {
	h := fnv.New32a()
	h.Write(addr.AsSlice())
	return float64(h.Sum32())
}
