package client

import (
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"
)

// What is remembered of answers, which anybody may send: more is ignored.
const (
	maxRecords   = 512 // of one message
	maxInstances = 256
	maxHosts     = 256
	maxAddresses = 8 // of one host
	maxTexts     = 32
	maxMissing   = 16 // questions at once
)

// records are what answers to questions for services have said.
type records struct {
	instances map[string]*instance // by full name
	hosts     map[string][]netip.Addr
}

// instance is one service as far as it is known.
type instance struct {
	name    domain
	service string
	host    domain // nil until it is known
	port    uint16
	text    []string
	sender  netip.Addr
}

// domainOf is the name of a type of service.
func domainOf(service string) domain { return append(strings.Split(service, "."), "local") }

// read takes over what a message says of services of these types, and reports whether
// it said anything.
func (r *records) read(packet []byte, services []string, sender netip.Addr) (news bool) {
	if r.instances == nil {
		r.instances, r.hosts = map[string]*instance{}, map[string][]netip.Addr{}
	}
	m, ok := answer(packet)
	if !ok {
		return false
	}
	for {
		found, ok := m.next()
		if !ok {
			return news
		}
		if found.ttl > 0 && r.add(&found, services, sender) {
			news = true
		}
	}
}

func (r *records) add(found *record, services []string, sender netip.Addr) (news bool) {
	switch found.kind {
	case typePTR:
		return r.instance(found.target, services, sender) != nil
	case typeSRV:
		if known := r.instance(found.name, services, sender); known != nil && found.port != 0 {
			known.host, known.port, known.sender = found.target, found.port, sender
			return true
		}
	case typeTXT:
		if known := r.instance(found.name, services, sender); known != nil {
			known.text = found.text
			return true
		}
	case typeA, typeAAAA:
		return r.address(found.name.key(), found.address)
	}
	return false
}

// instance finds or makes the one of that full name; nil if it is of another type.
func (r *records) instance(full domain, services []string, sender netip.Addr) *instance {
	key := full.key()
	if known := r.instances[key]; known != nil {
		return known
	}
	for _, service := range services {
		if full.below(domainOf(service)) && utf8.ValidString(full[0]) && len(r.instances) < maxInstances {
			known := &instance{name: full, service: service, sender: sender}
			r.instances[key] = known
			return known
		}
	}
	return nil
}

func (r *records) address(host string, addr netip.Addr) bool {
	switch known := r.hosts[host]; {
	case !usable(addr), slices.Contains(known, addr), len(known) >= maxAddresses, known == nil && len(r.hosts) >= maxHosts:
		return false
	}
	r.hosts[host] = append(r.hosts[host], addr)
	return true
}

func usable(addr netip.Addr) bool {
	return addr.IsValid() && !addr.IsUnspecified() && !addr.IsMulticast() && addr != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// missing are the questions about what is known in part.
func (r *records) missing() (list [][]byte) {
	for _, known := range r.instances {
		switch {
		case len(list) >= maxMissing:
			return list
		case known.host == nil:
			list = append(list, question(known.name, typeSRV), question(known.name, typeTXT))
		case len(r.hosts[known.host.key()]) == 0:
			list = append(list, question(known.host, typeA), question(known.host, typeAAAA))
		}
	}
	return list
}

// services lists what is known well enough to be used, in the order of names.
func (r *records) services() (list []Service) {
	for _, known := range r.instances {
		if known.host == nil {
			continue
		}
		list = append(list, Service{
			Name: known.name[0], Type: known.service, Host: known.host.String(), Port: known.port,
			Address: choose(r.hosts[known.host.key()], known.sender), Text: parseText(known.text),
		})
	}
	slices.SortFunc(list, compareServices)
	return list
}

// choose takes the address that is most likely to be reached: the one that the answer
// came from if it is one of the host's, else IPv4 before IPv6; link-local addresses
// and the sender's own come last.
func choose(addresses []netip.Addr, sender netip.Addr) netip.Addr {
	best, least := sender, 4
	for _, addr := range addresses {
		rank := 2
		switch {
		case addr.IsLoopback() && !sender.IsLoopback():
			continue
		case addr.IsLinkLocalUnicast() && addr.Is6():
			if addr, rank = addr.WithZone(sender.Zone()), 3; addr.Zone() == "" {
				continue
			}
		case addr == sender:
			rank = 0
		case addr.Is4():
			rank = 1
		}
		if rank < least {
			best, least = addr, rank
		}
	}
	return best
}

// parseText reads key=value; keys are lower case, and of two the first counts.
func parseText(list []string) map[string]string {
	text := map[string]string{}
	for _, each := range list {
		key, value, _ := strings.Cut(each, "=")
		key = strings.ToLower(key)
		if key == "" || !utf8.ValidString(value) || !utf8.ValidString(key) {
			continue
		}
		if _, twice := text[key]; !twice {
			text[key] = value
		}
	}
	return text
}
