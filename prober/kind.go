package prober

import (
	"net/url"
	"slices"
)

// Kind names a kind of probe, one of Kinds, and answers questions about it. Any other
// name answers as a kind without peculiarities.
type Kind string

// kinds is the table of all kinds of probe.
var kinds = map[Kind]kindOfProbe{
	"dns":       {new: newDNSProbe, place: hostMaybePort},
	"grpc":      {new: newGRPCProbe, place: grpcPlace},
	"health":    {new: newHealthProbe, takesURL: true, asks: healthURL},
	"http":      {new: newHTTPProbe, takesURL: true},
	"icmp":      {new: newICMPProbe, place: hostAlone, hostOnly: true, available: ICMPAvailable},
	"tcp":       {new: newTCPProbe, place: hostAndPort},
	"unix":      {new: newUnixProbe, socket: true},
	"websocket": {new: newWebsocketProbe, place: websocketPlace},
}

// kindOfProbe is a line of the table: how to make a probe, and what others need to know
// of the kind.
type kindOfProbe struct {
	new func() spec // the configuration, with its defaults filled in

	place     func(string) string // what is wrong with where a target is; nil if any text will do
	takesURL  bool
	hostOnly  bool
	socket    bool
	asks      func(*url.URL) *url.URL // nil if it is the target's own URL
	available func() error            // nil if it always is
}

// Kinds lists the names of all kinds, sorted.
func Kinds() []string {
	names := make([]string, 0, len(kinds))
	for name := range kinds {
		names = append(names, string(name))
	}
	slices.Sort(names)
	return names
}

// TakesURL reports whether targets of the kind are URLs with http or https, and asked
// for over HTTP.
func (k Kind) TakesURL() bool { return kinds[k].takesURL }

// HostOnly reports whether targets of the kind are hosts without a port.
func (k Kind) HostOnly() bool { return kinds[k].hostOnly }

// Socket reports whether targets of the kind are paths of this host's sockets.
func (k Kind) Socket() bool { return kinds[k].socket }

// NeedsURL reports whether targets of the kind cannot be mere addresses, since it is a
// page below them that is asked for.
func (k Kind) NeedsURL() bool { return kinds[k].asks != nil }

// Asked is the URL that a probe of the kind asks for when the target is this one. It is
// empty if that is the target's own, or if the target is not a valid URL.
func (k Kind) Asked(target string) string {
	u, err := url.Parse(target)
	if asks := kinds[k].asks; asks != nil && err == nil {
		return asks(u).String()
	}
	return ""
}

// Available reports as an error why this process cannot make probes of the kind, and
// what to do about it.
func (k Kind) Available() error {
	if available := kinds[k].available; available != nil {
		return available()
	}
	return nil
}
