package selfmetrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/health-exporter/health_exporter/internal/zeroconf"
)

// Multicast is what announcing and browsing by multicast DNS say of how it goes; nil for
// what is switched off, of which there are no figures.
type Multicast struct {
	Announcer *zeroconf.AnnouncerStats
	Browser   *zeroconf.BrowserStats
}

// The labels of the two roles.
const (
	announce = "announce"
	browse   = "browse"
)

var zeroconfTable = []stat[Multicast]{
	{
		gauge("health_zeroconf_up", "Whether announcing, or browsing, works. Absent if it is switched off.", "role"),
		both(
			func(s zeroconf.AnnouncerStats, to add) { to(truth(s.Up), announce) },
			func(s zeroconf.BrowserStats, to add) { to(truth(s.Up), browse) }),
	},
	{
		counter("health_zeroconf_errors_total", "Failed attempts to announce or to browse.", "role"),
		both(
			func(s zeroconf.AnnouncerStats, to add) { to(float64(s.Errors), announce) },
			func(s zeroconf.BrowserStats, to add) { to(float64(s.Errors), browse) }),
	},
	{
		gauge("health_zeroconf_interfaces", "Network interfaces that the exporter is announced on."),
		announcer(one(func(s zeroconf.AnnouncerStats) int { return s.Interfaces })),
	},
	{
		gauge("health_zeroconf_self_visible", "Whether the exporter has found itself by browsing, at the last look."),
		announcer(whether(func(s zeroconf.AnnouncerStats) bool { return s.Visible })),
	},
	{
		counter("health_zeroconf_renamed_total", "How often another host had our name, and we took another."),
		announcer(one(func(s zeroconf.AnnouncerStats) uint64 { return s.Renamed })),
	},
	{
		gauge("health_zeroconf_targets", "Targets found on the network, by type of service.", "type"),
		browser(each(func(s zeroconf.BrowserStats) map[string]int { return s.Targets })),
	},
	{
		counter("health_zeroconf_events_total", "What has happened to targets found on the network: added, updated, removed, or gone with a goodbye.", "event"),
		browser(each(func(s zeroconf.BrowserStats) map[string]uint64 { return s.Events })),
	},
	{
		counter("health_zeroconf_dropped_total", "Services found that did not become targets, by reason. Only reasons that have occurred are present.", "reason"),
		browser(each(func(s zeroconf.BrowserStats) map[string]uint64 { return s.Dropped })),
	},
}

// Zeroconf has the figures of multicast DNS, health_zeroconf_*.
func Zeroconf(say func() Multicast) prometheus.Collector {
	return part[Multicast]{say, zeroconfTable}
}

func announcer(read func(zeroconf.AnnouncerStats, add)) func(Multicast, add) {
	return func(m Multicast, to add) {
		if m.Announcer != nil {
			read(*m.Announcer, to)
		}
	}
}

func browser(read func(zeroconf.BrowserStats, add)) func(Multicast, add) {
	return func(m Multicast, to add) {
		if m.Browser != nil {
			read(*m.Browser, to)
		}
	}
}

func both(a func(zeroconf.AnnouncerStats, add), b func(zeroconf.BrowserStats, add)) func(Multicast, add) {
	return func(m Multicast, to add) {
		announcer(a)(m, to)
		browser(b)(m, to)
	}
}
