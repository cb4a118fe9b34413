package prober

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"github.com/health-exporter/health_exporter/health"
)

// Limits on answers. Without EDNS0 an answer over UDP has 512 bytes, but some
// servers send more.
const (
	maxDNSDatagram = 4096
	maxDNSMessage  = 65535
)

// dnsRun is one probe of kind dns.
type dnsRun struct {
	*dnsProbe
	req   Request
	limit time.Duration
	phase Phase

	// where to
	host   string
	port   uint16
	addr   netip.Addr
	lookup time.Duration
	looked bool // an address was looked for
	again  bool // the answer over UDP was truncated, and TCP is used

	// the way there and back
	resolved, connect, request time.Duration

	// what came back
	answer     *dns.Msg
	tls        *tls.ConnectionState
	statusCode int
}

// probe asks the question and holds the answer against the conditions.
func (p *dnsProbe) probe(ctx context.Context, req Request) Result {
	run := &dnsRun{dnsProbe: p, req: req, limit: timeLimit(ctx)}
	res := Result{Outcome: health.Pass}
	if err := run.do(ctx); err != nil {
		res = run.failed(ctx, err)
	}
	res.StatusCode = run.statusCode
	if run.tls != nil {
		res.CertExpiry = earliestExpiry(run.tls.PeerCertificates)
	}
	if req.Samples {
		res.Samples = run.samples()
	}
	return res
}

func (r *dnsRun) failed(ctx context.Context, err error) Result {
	res := failed(ctx, r.limit, err)
	if res.Reason == ReasonConnect && r.phase == PhaseTLS {
		res = failed(ctx, r.limit, because(ReasonTLS, err))
	}
	if r.again && r.phase != PhaseCheck {
		res.Error = "answer is truncated; asking over TCP: " + res.Error
	}
	res.Phase = r.phase
	r.req.debug("probe failed", "reason", string(res.Reason), "phase", string(res.Phase), "err", res.Error)
	return res
}

func (r *dnsRun) do(ctx context.Context) error {
	if err := r.locate(ctx); err != nil {
		return err
	}
	truncated, err := r.exchange(ctx, r.TransportProtocol)
	if err != nil {
		return err
	}
	if truncated && r.TransportProtocol == dnsUDP && r.TCPFallback {
		r.req.debug("answer is truncated, asking again over TCP")
		r.again = true
		if truncated, err = r.exchange(ctx, dnsTCP); err != nil {
			return err
		}
	}
	r.phase = PhaseCheck
	if r.answer == nil {
		return because(ReasonBody, errors.New("answer is truncated in the middle of a record"))
	}
	r.req.debug("got answer", "rcode", rcodeName(r.answer.Rcode), "truncated", truncated,
		"answers", len(r.answer.Answer), "authorities", len(r.answer.Ns), "additionals", len(r.answer.Extra))
	return r.checkAnswer(r.answer)
}

// locate reads the target and chooses the address of the server.
func (r *dnsRun) locate(ctx context.Context) (err error) {
	if r.host, r.port, err = splitTarget(r.req.Target, r.defaultPort); err != nil {
		return err
	}
	r.phase, r.looked = PhaseResolve, true
	if err := r.req.Network.CheckLiteral(net.JoinHostPort(r.host, strconv.Itoa(int(r.port)))); err != nil {
		return err
	}
	begin := time.Now()
	r.addr, err = r.Outbound.lookup(ctx, r.dialer, plainHost(r.host))
	r.lookup = time.Since(begin)
	if err != nil {
		return err
	}
	r.resolved = r.lookup
	r.req.debug("resolved target address", "host", r.host, "ip", r.addr)
	return nil
}

// splitTarget reads host, host:port, or an IPv6 address with or without brackets.
func splitTarget(target string, defaultPort uint16) (host string, port uint16, err error) {
	host, digits, err := net.SplitHostPort(target)
	if err != nil {
		host, digits = target, strconv.Itoa(int(defaultPort))
		if inner, ok := strings.CutPrefix(host, "["); ok {
			host = strings.TrimSuffix(inner, "]")
		}
	}
	if host == "" {
		return "", 0, because(ReasonInternal, errors.New("target has no host"))
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 {
		return "", 0, because(ReasonInternal, fmt.Errorf("target has no port from 1 to 65535 but %q", digits))
	}
	return host, uint16(n), nil
}

// exchange asks the question once, over a connection of its own.
func (r *dnsRun) exchange(ctx context.Context, transport string) (truncated bool, err error) {
	conn, err := r.open(ctx, transport)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	// The deadline, and the end of the wish to know.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	r.phase = PhaseRequest
	query := bytes.Clone(r.query)
	if transport != dnsHTTPS { // where RFC 8484 wants it to be 0
		binary.BigEndian.PutUint16(query, uint16(rand.Uint32()))
	}
	r.req.debug("making DNS query", "transport", transport, "server", r.server(), "name", r.QueryName, "type", r.QueryType)
	begin := time.Now()
	defer func() { r.request += time.Since(begin) }()
	var answer *dns.Msg
	switch transport {
	case dnsUDP:
		answer, truncated, err = askDatagram(conn, query)
	case dnsTCP:
		answer, truncated, err = askStream(conn, query)
	default:
		answer, truncated, err = r.askHTTPS(ctx, conn, query)
	}
	if answer != nil {
		r.answer = answer
	}
	return truncated, err
}

func (r *dnsRun) server() netip.AddrPort { return netip.AddrPortFrom(r.addr, r.port) }

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
		answer, truncated, err := readAnswer(buf[:n], binary.BigEndian.Uint16(query))
		if !errors.Is(err, errNotOurs) {
			return answer, truncated, err
		}
	}
}

// askStream frames the messages with their lengths.
func askStream(conn net.Conn, query []byte) (*dns.Msg, bool, error) {
	framed := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(query)), uint16(len(query)))
	if _, err := conn.Write(append(framed, query...)); err != nil {
		return nil, false, err
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, false, err
	}
	wire := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, wire); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, false, err
	}
	return readAnswer(wire, binary.BigEndian.Uint16(query))
}

// askHTTPS posts the question over the connection that is open already.
func (r *dnsRun) askHTTPS(ctx context.Context, conn net.Conn, query []byte) (*dns.Msg, bool, error) {
	const mediaType = "application/dns-message"
	host := net.JoinHostPort(plainHost(r.host), strconv.Itoa(int(r.port)))
	if r.port == 443 {
		host = strings.TrimSuffix(host, ":443")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+host+r.Path, bytes.NewReader(query))
	if err != nil {
		return nil, false, because(ReasonInternal, err)
	}
	req.Header.Set("Content-Type", mediaType)
	req.Header.Set("Accept", mediaType)
	req.Header.Set("User-Agent", userAgent())
	var taken atomic.Bool
	transport := &http.Transport{
		DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
			if taken.Swap(true) { // net/http would like to try once more
				return nil, io.ErrUnexpectedEOF
			}
			return conn, nil
		},
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeaderBytes,
		Protocols:              new(http.Protocols),
	}
	transport.Protocols.SetHTTP1(true)
	transport.Protocols.SetHTTP2(true)
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, false, err
	}
	defer resp.Body.Close()
	r.statusCode = resp.StatusCode
	if resp.StatusCode != http.StatusOK {
		return nil, false, because(ReasonStatus, errors.New(wrongStatus(resp.StatusCode, StatusCodes{{200, 200}})))
	}
	if got, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(got), mediaType) {
		return nil, false, because(ReasonBody, fmt.Errorf("answer of type %q, want %s", oneLine(got), mediaType))
	}
	wire, err := io.ReadAll(io.LimitReader(resp.Body, maxDNSMessage+1))
	if err != nil {
		return nil, false, err
	}
	if len(wire) > maxDNSMessage {
		return nil, false, because(ReasonBody, fmt.Errorf("answer is larger than %d bytes", maxDNSMessage))
	}
	return readAnswer(wire, 0)
}

// samples are the metrics of this probe.
func (r *dnsRun) samples() []Sample {
	s := make([]Sample, 0, 16)
	if r.looked {
		s = addressSamples(s, r.addr, r.lookup)
	}
	var answers, authorities, additionals int
	if r.answer != nil {
		answers, authorities, additionals = len(r.answer.Answer), len(r.answer.Ns), len(r.answer.Extra)
	}
	s = append(s,
		gauge("probe_dns_answer_rrs", "Returns number of entries in the answer resource record list", float64(answers)),
		gauge("probe_dns_authority_rrs", "Returns number of entries in the authority resource record list", float64(authorities)),
		gauge("probe_dns_additional_rrs", "Returns number of entries in the additional resource record list", float64(additionals)),
		gauge("probe_dns_query_succeeded", "Displays whether or not the query was executed successfully", boolValue(r.answer != nil)),
	)
	for _, each := range []struct {
		phase string
		took  time.Duration
	}{{"resolve", r.resolved}, {"connect", r.connect}, {"request", r.request}} {
		s = append(s, gauge("probe_dns_duration_seconds", "Duration of DNS request by phase",
			each.took.Seconds(), Label{"phase", each.phase}))
	}
	if r.wantsSOA && r.answer != nil {
		serial := 0.0
		for _, rr := range r.answer.Answer {
			if soa, ok := rr.(*dns.SOA); ok {
				serial = float64(soa.Serial)
			}
		}
		s = append(s, gauge("probe_dns_serial", "Returns the serial number of the zone", serial))
	}
	if r.tls != nil && r.TransportProtocol == dnsHTTPS {
		s = tlsSamples(s, r.tls, false)
	}
	return s
}
