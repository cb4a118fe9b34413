package registry

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/health-exporter/health_exporter/prober"
)

// Anonymous is the owner of what was registered without a token.
const Anonymous = "anonymous"

// tally counts the records of prober.SourceAPI in the ways in which they are bounded.
type tally map[string]int

// add counts t n times more.
func (y tally) add(t *prober.Target, n int) {
	for _, key := range []string{ownerKey(t), namelessKey(t), nearKey(t)} {
		if key == "" {
			continue
		}
		if y[key] += n; y[key] == 0 {
			delete(y, key)
		}
	}
}

// ownerKey is who has registered t, as far as it can be told: all who come without a
// token have one name, but different addresses.
func ownerKey(t *prober.Target) string {
	if t.Owner != Anonymous {
		return "owner " + t.Owner
	}
	return "from " + t.From
}

func namelessKey(t *prober.Target) string {
	if t.Owner != Anonymous || t.From == prober.FromOwnHost {
		return ""
	}
	return "nameless"
}

func nearKey(t *prober.Target) string {
	if namelessKey(t) == "" {
		return ""
	}
	return "near " + vicinity(t.From)
}

// Held is how much is registered already, in sight of one more target.
type Held struct {
	// Total counts the effective targets of all sources.
	Total int
	// Owned counts the registrations of the same owner; those without a token have one
	// if they came from the same address.
	Owned int
	// Nameless counts the registrations that were made without a token from other hosts
	// than the exporter's own; 0 if the new target is not one of them.
	Nameless int
	// Near counts those among them that came from the same address, or, with IPv6, from
	// the same network of 64 bits, all of which one host may have.
	Near int
	// Circle is the circle of depends_on that the new target would be in; nil for none.
	Circle *prober.CircleError
}

func (h *Held) add(y tally, t *prober.Target) {
	h.Owned += y[ownerKey(t)]
	h.Nameless += y[namelessKey(t)]
	h.Near += y[nearKey(t)]
}

// vicinity is what one host may have of addresses.
func vicinity(from string) string {
	addr, err := netip.ParseAddr(from)
	if err != nil || addr.Is4() {
		return from
	}
	network, _ := addr.Prefix(64)
	return network.String()
}

// withOrigin says of a record of before from where it came: a literal address of the
// own host could be registered there only, all others from anywhere.
func withOrigin(t *prober.Target) *prober.Target {
	if !t.Source.Stored() || t.From != "" {
		return t
	}
	known := *t
	known.From = prober.FromElsewhere
	if namesOwnHost(t) {
		known.From = prober.FromOwnHost
	}
	return &known
}

func namesOwnHost(t *prober.Target) bool {
	host := t.Address
	if u, err := url.Parse(t.Place()); err == nil && u.Host != "" {
		host = u.Hostname()
		if strings.EqualFold(host, "localhost") { // was refused from elsewhere, unlike other spellings of it
			return t.URL != ""
		}
	}
	if addr, err := netip.ParseAddrPort(host); err == nil {
		return addr.Addr().Unmap().IsLoopback()
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.Unmap().IsLoopback()
}
