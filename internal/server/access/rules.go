package access

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Right is what somebody may do.
type Right string

// The rights. Admin includes Write.
const (
	// Open needs no right: it tells no more than whether the exporter is well.
	Open Right = ""
	Read Right = "read"
	// Write is to register, and to change what one has registered.
	Write Right = "write"
	// Admin is to change what others have registered, and what nobody did.
	Admin Right = "admin"
	Debug Right = "debug"
)

// Rules are what the configuration says of who may do what. The zero value leaves
// reading open, debugging to this host, and trusts no network.
type Rules struct {
	// Read is "open" or "token"; empty means open.
	Read string
	// Debug is "open", "local" or "token"; empty means local.
	Debug string
	// Closed switches off all changes.
	Closed bool
	// Networks are those from which changes are made without a token.
	Networks []netip.Prefix
	// NoLocalTrust makes this host as strange as any other, since a proxy here passes
	// on what others ask.
	NoLocalTrust bool
	// Proxies are who may say on whose behalf they ask.
	Proxies []netip.Prefix
	// Hosts are names of ours, in lower case, and *.domain for all below a domain.
	Hosts []string
	// URLs are under which browsers find us.
	URLs []string
	// Holder names the holder of a token.
	Holder func(secret string) (name string, ok bool)
	// Has reports whether the holder of a token has a right.
	Has func(holder string, right Right) bool
}

func (r *Rules) holder(secret string) (string, bool) {
	if secret == "" || r.Holder == nil {
		return "", false
	}
	return r.Holder(secret)
}

func (r *Rules) has(holder string, right Right) bool {
	if r.Has == nil {
		return right == Read || right == Write
	}
	return r.Has(holder, right) || right == Write && r.Has(holder, Admin)
}

// lists reports whether the rules name a host.
func (r *Rules) lists(host string) bool {
	for _, each := range r.Hosts {
		domain, wild := strings.CutPrefix(each, "*.")
		if wild && strings.HasSuffix(host, "."+domain) || host == each {
			return true
		}
	}
	for _, each := range r.URLs {
		if u, err := url.Parse(each); err == nil && u.Host != "" && hostname(u.Host) == host {
			return true
		}
	}
	return false
}

// Origins are those of pages that are our own, whatever name a proxy asks us by, in the
// form in which browsers write them.
func (r *Rules) Origins() []string {
	var list []string
	for _, each := range r.URLs {
		u, err := url.Parse(each)
		if err != nil || u.Host == "" {
			continue
		}
		scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname())
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		if port := u.Port(); port != "" && !(scheme == "http" && port == "80") && !(scheme == "https" && port == "443") {
			host += ":" + port
		}
		list = append(list, scheme+"://"+host)
	}
	return list
}

func contains(list []netip.Prefix, addr netip.Addr) bool {
	return addr.IsValid() && slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(addr) })
}
