package zeroconf

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/grandcat/zeroconf"

	"github.com/health-exporter/health_exporter/internal/dnssd"
)

const domain = "local."

// Multicast is the real Network.
type Multicast struct {
	// Host is the name of this computer; empty means the system's.
	Host string
}

// Interfaces lists all that the host has.
func (Multicast) Interfaces() ([]Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("listing the network interfaces: %w", err)
	}
	list := make([]Interface, 0, len(all))
	for _, each := range all {
		i := Interface{Interface: each}
		addresses, _ := each.Addrs() // one that has gone has none
		for _, address := range addresses {
			if p, err := netip.ParsePrefix(address.String()); err == nil {
				i.Prefixes = append(i.Prefixes, p)
			}
		}
		list = append(list, i)
	}
	return list, nil
}

// settled is how long a server must have been there before it is shut down: the
// library starts its goroutines without waiting for them.
const settled = 150 * time.Millisecond

// Announce makes a service known.
func (m Multicast) Announce(s Service, on []Interface) (withdraw func(), err error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	if len(on) == 0 {
		return nil, errors.New("there is no network interface to announce on")
	}
	host, err := m.hostLabel()
	if err != nil {
		return nil, err
	}
	var addresses []string // none means those of the interface that asks
	for _, i := range on {
		if i.loopback() {
			addresses = append(addresses, "127.0.0.1")
		}
	}
	server, err := zeroconf.RegisterProxy(Escape(s.Instance), s.Type, domain, s.Port, host, addresses, s.Text, plain(on))
	if err != nil {
		return nil, fmt.Errorf("announcing %s: %w", s.Type, err)
	}
	since := time.Now()
	return func() {
		time.Sleep(settled - time.Since(since))
		server.Shutdown()
	}, nil
}

func (s *Service) validate() error {
	_, err := dnssd.ParseType(s.Type)
	switch {
	case len(s.Instance) == 0 || len(s.Instance) > maxInstance || !utf8.ValidString(s.Instance):
		return fmt.Errorf("the name %q must be 1 to %d bytes of UTF-8", s.Instance, maxInstance)
	case err != nil:
		return err
	case s.Port < 1 || s.Port > 65535:
		return fmt.Errorf("the port %d must be 1 to 65535", s.Port)
	}
	return validateText(s.Text)
}

func (m Multicast) hostLabel() (string, error) {
	name := m.Host
	if name == "" {
		var err error
		if name, err = os.Hostname(); err != nil {
			return "", fmt.Errorf("asking for the host name: %w", err)
		}
	}
	return hostLabel(name), nil
}

// hostLabel is the first label of a host's name, fit for .local.
func hostLabel(name string) string {
	name, _, _ = strings.Cut(name, ".")
	name = strings.Map(func(r rune) rune {
		if r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '-'
	}, name)
	if name = strings.Trim(name[:min(len(name), maxInstance)], "-"); name == "" || strings.EqualFold(name, "local") {
		return "health-exporter"
	}
	return name
}

func plain(list []Interface) []net.Interface {
	interfaces := make([]net.Interface, len(list))
	for i := range list {
		interfaces[i] = list[i].Interface
	}
	return interfaces
}

// Browse asks for services of a type, over IPv4: answers over IPv6 lack addresses.
// Resolver, channel and context are used once and never again.
func (Multicast) Browse(ctx context.Context, service string, on Interface, found func(Entry)) error {
	resolver, err := zeroconf.NewResolver(
		zeroconf.SelectIfaces([]net.Interface{on.Interface}), zeroconf.SelectIPTraffic(zeroconf.IPv4))
	if err != nil {
		return fmt.Errorf("browsing on %s: %w", on.Name, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	entries := make(chan *zeroconf.ServiceEntry, 64)
	err = resolver.Browse(ctx, service, domain, entries)
	if err != nil {
		cancel()
		err = fmt.Errorf("browsing for %s on %s: %w", service, on.Name, err)
	}
	for e := range entries { // it is closed by the library once ctx is done
		if instance, ok := Unescape(e.Instance); ok && ctx.Err() == nil {
			found(Entry{
				Instance: instance, Type: service, Port: e.Port, Text: e.Text, Addresses: addressesOf(e), Interface: on,
			})
		}
	}
	return err
}

func addressesOf(e *zeroconf.ServiceEntry) (list []netip.Addr) {
	for _, ip := range append(slices.Clip(e.AddrIPv4), e.AddrIPv6...) {
		if addr, ok := netip.AddrFromSlice(ip); ok && len(list) < maxAddresses {
			list = append(list, addr.Unmap())
		}
	}
	return list
}
