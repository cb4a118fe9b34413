package zeroconf

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
	"golang.org/x/net/ipv4"
)

const (
	maxPacket  = 9000 // of multicast DNS
	maxRecords = 256  // of one packet that are looked at

	maxAddresses = 8 // of one host
)

var groupIPv4 = net.IPv4(224, 0, 0, 251)

// Listen hears what is said on the interfaces. It asks nothing, and keeps nothing.
func (Multicast) Listen(ctx context.Context, on []Interface, heard func(Heard)) error {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(224, 0, 0, 0), Port: 5353}) // shares the port with others
	if err != nil {
		return fmt.Errorf("listening for goodbyes: %w", err)
	}
	defer conn.Close()
	socket := ipv4.NewPacketConn(conn)
	if err := socket.SetControlMessage(ipv4.FlagInterface, true); err != nil {
		return fmt.Errorf("listening for goodbyes: %w", err)
	}
	joined := map[int]bool{}
	err = errors.New("there is no network interface")
	for _, i := range on {
		if err = socket.JoinGroup(&i.Interface, &net.UDPAddr{IP: groupIPv4}); err == nil {
			joined[i.Index] = true
		}
	}
	if len(joined) == 0 {
		return fmt.Errorf("listening for goodbyes: %w", err)
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	buffer := make([]byte, maxPacket)
	for {
		n, control, _, err := socket.ReadFrom(buffer)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("listening for goodbyes: %w", err)
		}
		if control != nil && !joined[control.IfIndex] {
			continue // another program has joined the group there
		}
		index := 0
		if control != nil {
			index = control.IfIndex
		}
		for _, h := range parseHeard(buffer[:n]) {
			h.Interface = index
			heard(h)
		}
	}
}

// parseHeard finds what a packet says of services: SRV records announce one, and PTR
// and SRV records without time to live take one back.
func parseHeard(packet []byte) (list []Heard) {
	const isResponse = 0x80
	if len(packet) < 12 || packet[2]&isResponse == 0 {
		return nil
	}
	var m dns.Msg
	if m.Unpack(packet) != nil {
		return nil
	}
	records := append(m.Answer, m.Extra...)
	records = records[:min(len(records), maxRecords)]
	seen := map[string]bool{}
	note := func(full string, h Heard) {
		var ok bool
		if h.Instance, h.Type, ok = splitName(full); ok && !seen[full] {
			seen[full] = true
			list = append(list, h)
		}
	}
	for _, record := range records {
		switch r := record.(type) {
		case *dns.PTR:
			if r.Hdr.Ttl == 0 {
				note(r.Ptr, Heard{Goodbye: true})
			}
		case *dns.SRV:
			note(r.Hdr.Name, Heard{Goodbye: r.Hdr.Ttl == 0, Addresses: addressesFor(r.Target, records)})
		}
	}
	return list
}

// addressesFor finds the IPv4 addresses of a host.
func addressesFor(host string, records []dns.RR) (list []netip.Addr) {
	for _, record := range records {
		if a, ok := record.(*dns.A); ok && strings.EqualFold(a.Hdr.Name, host) && len(list) < maxAddresses {
			if addr, ok := netip.AddrFromSlice(a.A); ok {
				list = append(list, addr.Unmap())
			}
		}
	}
	return list
}
