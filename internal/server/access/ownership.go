package access

import (
	"net/netip"
	"slices"

	"github.com/health-exporter/health_exporter/prober"
)

// From is from where he comes, as it is stored with what he registers.
func (id *Identity) From() string {
	switch {
	case id.Place == OwnHost:
		return prober.FromOwnHost
	case id.Client.IsValid():
		return id.Client.String()
	}
	return prober.FromElsewhere
}

// Inside reports whether he asks from this host or a private network. What
// registration.networks trusts does not count: it may be the whole world.
func (id *Identity) Inside() bool {
	return id.Place == OwnHost || id.doubt == "" && (id.Client.IsPrivate() || id.Client.IsLinkLocalUnicast())
}

func (id *Identity) from() string {
	if id.Client.IsValid() {
		return id.Client.String()
	}
	return "an unknown address"
}

// Registered reports whether he has registered a target: with the same token, or,
// without one, from the same address.
func (id *Identity) Registered(owner, from string) bool {
	return owner == id.Owner() && (id.Token != "" || id.Place != Elsewhere && from == id.From())
}

// Resembles reports whether he may be who has registered a target, if his address has
// changed since: both are in one of the networks that need no token. Of records of
// before the address is not known.
func (id *Identity) Resembles(owner, from string) bool {
	if id.Registered(owner, from) {
		return true
	}
	if id.Token != "" || owner != id.Owner() || id.Place == Elsewhere {
		return false
	}
	if from == prober.FromElsewhere {
		return true
	}
	addr, err := netip.ParseAddr(from)
	return err == nil && slices.ContainsFunc(id.rules.Networks, func(p netip.Prefix) bool { return p.Contains(addr) && p.Contains(id.Client) })
}
