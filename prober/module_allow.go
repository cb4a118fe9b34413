package prober

import (
	"net/url"
	"slices"
	"strings"
)

// Allow are the only places that the module may be used for; none if it does not say.
func (m *Module) Allow() []NetworkRule {
	if m == nil {
		return nil
	}
	return slices.Clone(m.allow)
}

// Entrusted reports whether the module may be used for what others than the operator
// name: it holds no credentials, or he has said who may have them.
func (m *Module) Entrusted() bool { return m == nil || len(m.held) == 0 || len(m.allow) > 0 }

// CheckTarget reports whether the module may be used for a target. Names that its rules do
// not mention pass if there are rules for networks: what they lead to shows when they are
// connected to, and then it counts.
func (m *Module) CheckTarget(t *Target) error {
	if m == nil || len(m.allow) == 0 {
		return nil
	}
	policy := (*NetworkPolicy)(nil).within(m.allow)
	if m.kind.Socket() {
		return policy.CheckSocket(t.Place())
	}
	return policy.CheckLiteral(t.hostAndPort())
}

// Host is the host of the target's URL or address, with its port if it has one, as a
// probe reads it.
func (t *Target) Host() string {
	place := t.Place()
	if u, err := url.Parse(place); err == nil && u.Host != "" {
		return u.Host // without the escapes of names beyond ASCII
	}
	if _, after, found := strings.Cut(place, "://"); found {
		place = after
	}
	if end := strings.IndexAny(place, "/?#"); end >= 0 {
		place = place[:end]
	}
	return place[strings.LastIndexByte(place, '@')+1:]
}

// hostAndPort is the host with the port that the scheme stands for, if there is none.
func (t *Target) hostAndPort() string {
	u, err := url.Parse(t.Place())
	if err != nil || u.Host == "" {
		return t.Host()
	}
	switch u.Scheme {
	case "wss":
		u.Scheme = "https"
	case "http", "https", "ws":
	default:
		return u.Host
	}
	return withPort(u)
}
