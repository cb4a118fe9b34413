package client

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

const (
	multicastPort = 5353
	hopLimit      = 255
	maxPacket     = 9000

	firstRepeat, laterRepeat = 250 * time.Millisecond, time.Second
	missingDelay             = 50 * time.Millisecond
)

var (
	groupIPv4 = netip.MustParseAddr("224.0.0.251")
	groupIPv6 = netip.MustParseAddr("ff02::fb")
)

// path is a socket that asks on one interface, and what is on its link.
type path struct {
	conn  *net.UDPConn
	group netip.AddrPort
	zone  string
	links []netip.Prefix
}

// packet is an answer.
type packet struct {
	content []byte
	sender  netip.Addr
}

// paths opens a socket for each interface and family that can be asked on.
func paths() (list []*path) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil
	}
	for _, on := range interfaces {
		if on.Flags&(net.FlagUp|net.FlagMulticast) != net.FlagUp|net.FlagMulticast || on.Flags&net.FlagLoopback != 0 {
			continue
		}
		links := linksOf(&on)
		if p := openIPv4(&on, links); p != nil {
			list = append(list, p)
		}
		if p := openIPv6(&on, links); p != nil {
			list = append(list, p)
		}
	}
	return list
}

func linksOf(on *net.Interface) (links []netip.Prefix) {
	addresses, _ := on.Addrs() // an interface that has gone has none
	for _, each := range addresses {
		if prefix, err := netip.ParsePrefix(each.String()); err == nil {
			links = append(links, prefix)
		}
	}
	return links
}

func openIPv4(on *net.Interface, links []netip.Prefix) *path {
	i := slices.IndexFunc(links, func(p netip.Prefix) bool { return p.Addr().Is4() })
	if i < 0 {
		return nil
	}
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: links[i].Addr().AsSlice()})
	if err != nil {
		return nil
	}
	multicast := ipv4.NewPacketConn(conn)
	if multicast.SetMulticastInterface(on) != nil || multicast.SetMulticastTTL(hopLimit) != nil {
		conn.Close()
		return nil
	}
	return &path{conn: conn, group: netip.AddrPortFrom(groupIPv4, multicastPort), links: links}
}

func openIPv6(on *net.Interface, links []netip.Prefix) *path {
	i := slices.IndexFunc(links, func(p netip.Prefix) bool { return p.Addr().Is6() && p.Addr().IsLinkLocalUnicast() })
	if i < 0 {
		return nil
	}
	conn, err := net.ListenUDP("udp6", &net.UDPAddr{IP: links[i].Addr().AsSlice(), Zone: on.Name})
	if err != nil {
		return nil
	}
	multicast := ipv6.NewPacketConn(conn)
	if multicast.SetMulticastInterface(on) != nil || multicast.SetMulticastHopLimit(hopLimit) != nil {
		conn.Close()
		return nil
	}
	return &path{conn: conn, group: netip.AddrPortFrom(groupIPv6.WithZone(on.Name), multicastPort), zone: on.Name, links: links}
}

// receive hands answers on until the socket is closed. Only neighbours are believed.
func (p *path) receive(to chan<- packet, ended <-chan struct{}) {
	buffer := make([]byte, maxPacket)
	for {
		n, from, err := p.conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			select {
			case <-ended:
				return
			case <-time.After(10 * time.Millisecond): // a complaint about something sent before
				continue
			}
		}
		sender := from.Addr().Unmap()
		if !p.isNeighbour(sender) {
			continue
		}
		select {
		case to <- packet{slices.Clone(buffer[:n]), sender}:
		case <-ended:
			return
		}
	}
}

func (p *path) isNeighbour(sender netip.Addr) bool {
	sender = sender.WithZone("")
	return slices.ContainsFunc(p.links, func(link netip.Prefix) bool { return link.Contains(sender) })
}

// search asks for services again and again, until enough is known or ctx is done.
type search struct {
	services []string
	// settle is how long to wait for others after the first; 0 until ctx is done.
	settle time.Duration
}

// run is one-shot discovery (RFC 6762, 5.1): questions from a port of our own, whose
// answers come to that port. It closes the sockets.
func (s *search) run(ctx context.Context, sockets []*path) []Service {
	if len(sockets) == 0 {
		return nil
	}
	ended, answers := make(chan struct{}), make(chan packet)
	var receivers sync.WaitGroup
	for _, p := range sockets {
		receivers.Go(func() { p.receive(answers, ended) })
	}
	defer func() {
		close(ended)
		for _, p := range sockets {
			p.conn.Close()
		}
		receivers.Wait()
	}()
	var known records
	var settled <-chan time.Time
	ask := time.NewTimer(0)
	defer ask.Stop()
	pause, hurried := firstRepeat, false
	for {
		select {
		case <-ctx.Done():
			return known.services()
		case <-settled:
			return known.services()
		case <-ask.C:
			s.ask(sockets, known.missing())
			ask.Reset(pause)
			pause = laterRepeat
		case got := <-answers:
			if !known.read(got.content, s.services, got.sender) {
				continue
			}
			if s.settle > 0 && settled == nil && len(known.services()) > 0 {
				settled = time.After(s.settle)
			}
			if !hurried && len(known.missing()) > 0 {
				ask.Reset(missingDelay) // the rest may be in other packets
				hurried = true
			}
		}
	}
}

// ask sends the questions on all paths. What cannot be sent is tried again later.
func (s *search) ask(sockets []*path, more [][]byte) {
	for _, service := range s.services {
		more = append(more, question(domainOf(service), typePTR))
	}
	for _, content := range more {
		for _, p := range sockets {
			_, _ = p.conn.WriteToUDPAddrPort(content, p.group)
		}
	}
}
