package prober

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/miekg/dns"
)

// Limits on answers. Without EDNS0 an answer over UDP has 512 bytes, but some
// servers send more.
const (
	maxDNSDatagram = 4096
	maxDNSMessage  = 65535
)

// exchange asks the question once, over a connection of its own. Only an answer
// that is truncated can be nil.
func (r *dnsRun) exchange(ctx context.Context, transport string) (answer *dns.Msg, truncated bool, err error) {
	conn, err := r.open(ctx, transport)
	if err != nil {
		return nil, false, err
	}
	defer conn.Close()
	// The deadline, and cancellation.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	r.phase = PhaseRequest
	query := bytes.Clone(r.query)
	if transport != dnsHTTPS { // where RFC 8484 wants it to be 0
		binary.BigEndian.PutUint16(query, uint16(rand.Uint32()))
	}
	r.req.Debug("making DNS query", "transport", transport, "server", r.server(), "name", r.QueryName, "type", r.QueryType)
	begin := time.Now()
	defer func() { r.request += time.Since(begin) }()
	var wire []byte
	switch transport {
	case dnsUDP:
		return askDatagram(conn, query)
	case dnsTCP:
		wire, err = askStream(conn, query)
	default:
		wire, err = r.askHTTPS(ctx, conn, query)
	}
	if err != nil {
		return nil, false, err
	}
	return readAnswer(wire, query)
}

// open connects to the server, with TLS if the transport has it.
func (r *dnsRun) open(ctx context.Context, transport string) (net.Conn, error) {
	begin := time.Now()
	defer func() { r.connect += time.Since(begin) }()
	r.phase = PhaseConnect
	// The address was found for the target's name: rules about the name hold.
	if err := r.req.Network.Check(r.server(), r.host); err != nil {
		return nil, err
	}
	network := dnsTCP
	if transport == dnsUDP {
		network = dnsUDP
	}
	conn, err := r.dialer.dialChecked(ctx, network, r.server())
	if err != nil || transport == dnsUDP || transport == dnsTCP && !r.DNSOverTLS {
		return conn, err
	}
	r.phase = PhaseTLS
	var protocols []string
	if transport == dnsHTTPS {
		protocols = []string{"h2", "http/1.1"}
	}
	options, err := r.certificates.config(plainHost(r.host), protocols...)
	if err != nil {
		conn.Close()
		return nil, err
	}
	secure := tls.Client(conn, options)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	state := secure.ConnectionState()
	r.tls = &state
	return secure, nil
}

// askDatagram ignores answers to other questions, as they come when somebody
// guesses, or when a server is very late.
func askDatagram(conn net.Conn, query []byte) (*dns.Msg, bool, error) {
	if _, err := conn.Write(query); err != nil {
		return nil, false, err
	}
	buf := make([]byte, maxDNSDatagram)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, false, err
		}
		answer, truncated, err := readAnswer(buf[:n], query)
		if !errors.Is(err, errNotOurs) {
			return answer, truncated, err
		}
	}
}

// askStream frames the messages with their lengths.
func askStream(conn net.Conn, query []byte) ([]byte, error) {
	framed := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(query)), uint16(len(query)))
	if _, err := conn.Write(append(framed, query...)); err != nil {
		return nil, err
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	wire := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, wire); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return wire, nil
}
