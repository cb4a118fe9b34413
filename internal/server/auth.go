package server

import (
	"net"
	"net/http"
	"net/netip"

	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/prober"
)

// registrant is who asks to change the registry.
type registrant struct {
	// owner is "token:<name>", or "anonymous" for all who come without a token
	// from a trusted network: they cannot be told apart.
	owner string
	// local means that the request comes from this very host.
	local bool
	// from is where the request comes from, as it is stored.
	from string
}

type registrantKey struct{}

func (s *server) identify(r *http.Request) (registrant, *problem) {
	rules := s.Settings().Registration
	if !rules.Enabled {
		return registrant{}, &problem{
			Status: http.StatusForbidden,
			Detail: "registration is switched off (registration.enabled: false)",
		}
	}
	from := remoteAddr(r)
	who := registrant{owner: registry.Anonymous, local: isLocal(from), from: from.String()}
	if who.local {
		who.from = prober.FromOwnHost
	}
	// A password that is no token is not ours to refuse: it may be that of a user of
	// --web.config.file, who is then as anonymous as everybody.
	secret, bearer := secretOf(r)
	name, known := rules.Bearer(secret)
	switch {
	case bearer && !known:
		return registrant{}, &problem{Status: http.StatusUnauthorized, Detail: "the bearer token is not known (registration.tokens)"}
	case known && secret != "":
		if !s.Settings().Access.has(name, Write) {
			return registrant{}, lacks(name, Write)
		}
		who.owner = "token:" + name
		return who, nil
	}
	if !from.IsValid() || !rules.Trusts(from) {
		return registrant{}, &problem{
			Status: http.StatusUnauthorized,
			Detail: "from " + r.RemoteAddr + " a bearer token is needed: configure one (registration.tokens) " +
				"or trust the network (registration.networks)",
		}
	}
	return who, nil
}

func requester(r *http.Request) registrant {
	who, _ := r.Context().Value(registrantKey{}).(registrant)
	return who
}

func remoteAddr(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr, _ := netip.ParseAddr(host)
	return addr.Unmap().WithZone("")
}

// isLocal tells whether an address is one of this host.
func isLocal(addr netip.Addr) bool {
	if addr.IsLoopback() {
		return true
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range own {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().Unmap().WithZone("") == addr {
			return true
		}
	}
	return false
}
