package server

import (
	"net"
	"net/netip"
	"net/url"

	"github.com/health-exporter/health_exporter/internal/server/access"
	"github.com/health-exporter/health_exporter/prober"
)

// moved reports whether a target is registered again by whoever has another address by now,
// as DHCP gives them: the old one stood in the target, in its place stands the new one, and
// nothing else is new.
func moved(id *access.Identity, old, t *prober.Target) bool {
	before, err := netip.ParseAddr(old.From)
	if err != nil || !id.Client.IsValid() {
		return false
	}
	again := *t
	if !leads(old, before) || !leads(t, id.Client) || !samePlace(old.URL, t.URL) || old.Address != "" && portOf(old.Address) != portOf(t.Address) {
		return false
	}
	again.URL, again.Address = old.URL, old.Address
	return (old.URL == "") == (t.URL == "") && (old.Address == "") == (t.Address == "") && sayTheSame(old, &again)
}

// leads reports whether a target's place is at an address, as that is written.
func leads(t *prober.Target, at netip.Addr) bool {
	host := t.Address
	if u, err := url.Parse(t.URL); t.URL != "" {
		if err != nil {
			return false
		}
		host = u.Host
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else if n := len(host); n > 2 && host[0] == '[' && host[n-1] == ']' {
		host = host[1 : n-1]
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap() == at.Unmap()
}

// samePlace reports whether two URLs are the same but for the host's name.
func samePlace(a, b string) bool {
	one, errOne := url.Parse(a)
	two, errTwo := url.Parse(b)
	if errOne != nil || errTwo != nil || one.Port() != two.Port() {
		return false
	}
	one.Host, two.Host = "", ""
	return one.String() == two.String()
}

func portOf(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	return port
}
