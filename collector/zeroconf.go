package collector

import (
	"github.com/prometheus/client_golang/prometheus"
)

// ZeroconfStats are the figures of announcing and browsing by multicast DNS.
type ZeroconfStats struct {
	// Announcing and Browsing say what is wanted at all.
	Announcing, Browsing bool
	// Announced says that the exporter is announced, on so many Interfaces; Visible,
	// that it has found itself.
	Announced, Visible bool
	Interfaces         int
	// Renamed counts how often the name was another host's.
	Renamed, AnnounceErrors uint64

	// BrowseUp says that the last attempt to browse was successful.
	BrowseUp     bool
	BrowseErrors uint64
	// Targets counts them by the type of service, Events what has happened to them, and
	// Dropped what was found but is no target, by reason.
	Targets         map[string]int
	Events, Dropped map[string]uint64
}

type zeroconf struct{ stats func() ZeroconfStats }

// NewZeroconf gives the figures of multicast DNS, health_zeroconf_*. There are none
// of what is switched off.
func NewZeroconf(stats func() ZeroconfStats) prometheus.Collector { return zeroconf{stats} }

func (z zeroconf) Describe(ch chan<- *prometheus.Desc) {
	described(ch, zeroconfUp, zeroconfInterfaces, zeroconfVisible, zeroconfRenamed, zeroconfErrors,
		zeroconfTargets, zeroconfEvents, zeroconfDropped)
}

func (z zeroconf) Collect(ch chan<- prometheus.Metric) {
	s := z.stats()
	if s.Announcing {
		ch <- zeroconfUp.of(truth(s.Announced), "announce")
		ch <- zeroconfErrors.of(integer(s.AnnounceErrors), "announce")
		ch <- zeroconfInterfaces.of(integer(s.Interfaces))
		ch <- zeroconfVisible.of(truth(s.Visible))
		ch <- zeroconfRenamed.of(integer(s.Renamed))
	}
	if !s.Browsing {
		return
	}
	ch <- zeroconfUp.of(truth(s.BrowseUp), "browse")
	ch <- zeroconfErrors.of(integer(s.BrowseErrors), "browse")
	for service, n := range s.Targets {
		ch <- zeroconfTargets.of(integer(n), clean(service))
	}
	for event, n := range s.Events {
		ch <- zeroconfEvents.of(integer(n), event)
	}
	for reason, n := range s.Dropped {
		ch <- zeroconfDropped.of(integer(n), reason)
	}
}
