package access

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Place is how near somebody is.
type Place int

// The places, the nearer the greater.
const (
	Elsewhere Place = iota
	// Network is one of those that may change things without a token.
	Network
	// OwnHost is the exporter's own host.
	OwnHost
)

// Identity is who makes a request.
type Identity struct {
	// Token is the name of the token that was given; empty for none.
	Token string
	// Client is the address of the client, behind the proxies that we know; invalid if it
	// cannot be told.
	Client netip.Addr
	// Place is Elsewhere unless it counts.
	Place Place
	// Host is the name that the request was sent to, in its plain form, and OurName
	// reports whether it is one that only we can have.
	Host    string
	OurName bool

	rules   *Rules
	given   string // Host as it was sent
	peer    netip.Addr
	unknown bool // a bearer token was given that nobody has
	user    bool // logged in with the web configuration
	doubt   string
}

// Gate makes identities. It is for concurrent use.
type Gate struct {
	machine machine
	// users reports whether whoever comes here with a password has been found to be one
	// of the users of the web configuration.
	users func() bool
}

// NewGate makes a Gate. Users reports whether there are users of the web configuration,
// whose passwords are checked before a request comes here; nil for never.
func NewGate(users func() bool) *Gate {
	if users == nil {
		users = func() bool { return false }
	}
	return &Gate{machine: machine{hostsFile: "/etc/hosts"}, users: users}
}

// Identify finds out who has sent a request.
func (g *Gate) Identify(rules *Rules, r *http.Request) *Identity {
	id := &Identity{rules: rules, given: r.Host, Host: hostname(r.Host), peer: peerOf(r)}
	id.OurName = unownable(id.Host) || id.Host != "" && (rules.lists(id.Host) || g.machine.named(id.Host))
	secret, bearer := Secret(r)
	name, known := rules.holder(secret)
	if known {
		id.Token = name
	}
	id.unknown = bearer && !known
	_, _, basic := r.BasicAuth()
	id.user = basic && g.users() || r.TLS != nil && len(r.TLS.VerifiedChains) > 0
	g.locate(id, r)
	return id
}

// locate finds out from where a request comes, and whether that counts.
func (g *Gate) locate(id *Identity, r *http.Request) {
	rules := id.rules
	id.Client = id.peer
	if forwarded(r.Header) {
		if !contains(rules.Proxies, id.peer) {
			id.Client, id.doubt = netip.Addr{}, "it was passed on by a proxy at "+id.peer.String()+" that is not in access.proxies"
			return
		}
		var via []netip.Addr
		id.Client, via = onBehalf(r.Header, func(hop netip.Addr) bool { return contains(rules.Proxies, hop) })
		if !id.Client.IsValid() {
			id.doubt = "the proxy at " + id.peer.String() + " does not say on whose behalf it asks (X-Forwarded-For, or Forwarded)"
			return
		}
		if g.machine.has(id.Client) && !g.allHere(append(via, id.peer)) { // what a proxy elsewhere calls loopback is its own
			id.doubt = "a proxy on another host asks on behalf of this one"
			return
		}
	}
	if !id.OurName {
		id.doubt = "the name that it was sent to is not ours"
		return
	}
	switch here := g.machine.has(id.Client); {
	case here && rules.NoLocalTrust:
		id.doubt = "this host is not trusted (access.local_trust)"
	case here:
		id.Place = OwnHost
	case contains(rules.Networks, id.Client):
		id.Place = Network
	}
}

// allHere reports whether all addresses are this host's.
func (g *Gate) allHere(list []netip.Addr) bool {
	return !slices.ContainsFunc(list, func(addr netip.Addr) bool { return !g.machine.has(addr) })
}

func peerOf(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr, _ := netip.ParseAddr(host)
	return addr.Unmap().WithZone("")
}

// Secret is the token of a request, as bearer token or as password of any user; bearer
// tells which. It is empty if there is none.
func Secret(r *http.Request) (secret string, bearer bool) {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(r.Header.Get("Authorization")), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(rest), true
	}
	_, password, _ := r.BasicAuth()
	return password, false
}

// Authenticated reports whether somebody has shown who he is, whatever his place.
func (id *Identity) Authenticated() bool { return id.Token != "" || id.user }

// Owner is under which name he registers something: "token:<name>", or "anonymous" for
// all who come without a token.
func (id *Identity) Owner() string {
	if id.Token != "" {
		return "token:" + id.Token
	}
	return "anonymous"
}
