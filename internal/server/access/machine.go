package access

import (
	"bufio"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// addressesKept and namesKept bound how often the system is asked for what seldom
	// changes.
	addressesKept = time.Second
	namesKept     = time.Minute
)

// machine knows the addresses and names of this host.
type machine struct {
	hostsFile string

	mu          sync.Mutex // guards all following fields
	addresses   []netip.Addr
	addressesAt time.Time
	names       []string
	namesAt     time.Time
}

// has reports whether an address is one of this host.
func (m *machine) has(addr netip.Addr) bool {
	if addr.IsLoopback() {
		return true
	}
	if !addr.IsValid() {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := time.Now(); m.addressesAt.IsZero() || now.Sub(m.addressesAt) > addressesKept {
		m.addresses, m.addressesAt = ownAddresses(), now
	}
	return slices.Contains(m.addresses, addr)
}

func ownAddresses() []netip.Addr {
	found, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var list []netip.Addr
	for _, each := range found {
		if prefix, err := netip.ParsePrefix(each.String()); err == nil {
			list = append(list, prefix.Addr().Unmap().WithZone(""))
		}
	}
	return list
}

// named reports whether a name is one of this host.
func (m *machine) named(host string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := time.Now(); m.namesAt.IsZero() || now.Sub(m.namesAt) > namesKept {
		m.names, m.namesAt = ownNames(m.hostsFile), now
	}
	return slices.Contains(m.names, host)
}

// ownNames are what this host calls itself, and the longer form of that which stands
// beside it in the hosts file, as hostname --fqdn finds it. Other names of that file do
// not count, not even for addresses of this host: lists of advertisers are kept there.
func ownNames(hostsFile string) []string {
	name, err := os.Hostname()
	if err != nil {
		return nil
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	names := []string{name}
	short, _, _ := strings.Cut(name, ".")
	f, err := os.Open(hostsFile)
	if err != nil {
		return names
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(strings.ToLower(line))
		if !slices.Contains(fields, name) {
			continue
		}
		for _, each := range fields[1:] {
			if strings.HasPrefix(each, short+".") {
				names = append(names, strings.TrimSuffix(each, "."))
			}
		}
	}
	return names
}
