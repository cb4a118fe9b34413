package prober

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// quicCall is a connection over QUIC that carries one request. It has a socket of
// its own, so that nothing outlives the probe.
type quicCall struct {
	socket  net.Conn
	packets *quic.Transport
	conn    *quic.Conn
}

// takeQUIC sends the request over HTTP/3.
func (r *httpRun) takeQUIC(req *http.Request, hop *httpHop, trace *httpTrace) (*http.Response, error) {
	r.hangUpQUIC() // of the hop before
	resp, err := r.askQUIC(req, hop, trace)
	if err != nil {
		closeBody(req.Body)
		err = quicError(req.Context(), err)
		if r.phase != PhaseCheck {
			r.phase = trace.phase(err)
		}
		return nil, err
	}
	resp.Body = &quicBody{resp.Body, req.Context()}
	return resp, nil
}

func (r *httpRun) askQUIC(req *http.Request, hop *httpHop, trace *httpTrace) (*http.Response, error) {
	if hop.url.Scheme != "https" {
		r.phase = PhaseCheck
		return nil, because(ReasonRedirect, errors.New("redirect to http, where there is no HTTP/3"))
	}
	config, err := r.tlsConfig(hop.url)
	if err != nil {
		return nil, err
	}
	if config.ServerName == "" {
		config.ServerName = plainHost(hop.url.Hostname())
	}
	at, err := r.quicAddress(req.Context(), hop, trace)
	if err != nil {
		return nil, err
	}
	r.tries.dials.Add(1)
	r.call, err = dialQUIC(req.Context(), r.dialer, at, config, trace)
	if err != nil {
		return nil, err
	}
	client := (&http3.Transport{
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}).NewClientConn(r.call.conn)
	return client.RoundTrip(req)
}

// quicAddress is where to connect to: the address that was chosen for the
// target, or for a redirect to elsewhere one that is chosen in the same way.
func (r *httpRun) quicAddress(ctx context.Context, hop *httpHop, trace *httpTrace) (netip.AddrPort, error) {
	host, addr := plainHost(hop.url.Hostname()), r.pinnedTo(hop.url)
	trace.mark(&trace.start)
	if !addr.IsValid() {
		if err := r.req.Network.CheckLiteral(withPort(hop.url)); err != nil {
			return netip.AddrPort{}, err
		}
		var err error
		if addr, err = r.Outbound.lookup(ctx, r.dialer, host); err != nil {
			return netip.AddrPort{}, err
		}
	}
	trace.mark(&trace.dnsDone)
	at := netip.AddrPortFrom(addr, portOf(hop.url))
	return at, r.req.Network.Check(at, host)
}

// dialQUIC connects and makes the handshake, which is one and the same.
func dialQUIC(ctx context.Context, d *dialer, at netip.AddrPort, config *tls.Config, trace *httpTrace) (*quicCall, error) {
	socket, err := d.dialChecked(ctx, "udp", at)
	if err != nil {
		return nil, err
	}
	call := &quicCall{socket: socket}
	call.packets = &quic.Transport{Conn: &quicSocket{Conn: socket}}
	config.NextProtos = []string{http3.NextProtoH3}
	begin := time.Now()
	call.conn, err = call.packets.Dial(ctx, socket.RemoteAddr(), config, quicConfig(ctx))
	if err != nil {
		call.hangUp()
		return nil, err
	}
	trace.connected(begin)
	return call, nil
}

// quicConfig bounds what a peer can make us wait for and hold: our own deadline
// is the only one, and windows are small, since one answer is read at a time.
func quicConfig(ctx context.Context) *quic.Config {
	patience := time.Hour
	if deadline, ok := ctx.Deadline(); ok {
		patience = max(time.Until(deadline), 0) + time.Second
	}
	return &quic.Config{
		Versions:                       []quic.Version{quic.Version1},
		HandshakeIdleTimeout:           patience,
		MaxIdleTimeout:                 patience,
		KeepAlivePeriod:                10 * time.Second,
		MaxIncomingStreams:             -1,
		MaxIncomingUniStreams:          8,
		InitialStreamReceiveWindow:     256 << 10,
		MaxStreamReceiveWindow:         1 << 20,
		InitialConnectionReceiveWindow: 512 << 10,
		MaxConnectionReceiveWindow:     2 << 20,
	}
}

// hangUp closes the connection and waits for what reads from its socket.
func (c *quicCall) hangUp() {
	if c.conn != nil {
		_ = c.conn.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
	}
	_ = c.packets.Close()
	_ = c.socket.Close()
}

func (r *httpRun) hangUpQUIC() {
	if r.call != nil {
		r.call.hangUp()
		r.call = nil
	}
}

// connected notes a handshake that was begun then and is done now. QUIC connects
// by its handshake: both took the same time.
func (t *httpTrace) connected(begin time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.tlsStart = begin
	t.connectDone, t.tlsDone, t.gotConn = now, now, now
}

// quicSocket is a UDP socket that is connected to one peer: it takes packets from
// nobody else and notices a port that is closed, which an open one does not.
type quicSocket struct{ net.Conn }

// ReadFrom reads a packet of the peer's.
func (s *quicSocket) ReadFrom(p []byte) (int, net.Addr, error) {
	n, err := s.Read(p)
	return n, s.RemoteAddr(), err
}

// WriteTo sends a packet to the peer. There is no other.
func (s *quicSocket) WriteTo(p []byte, _ net.Addr) (int, error) { return s.Write(p) }

// SetReadBuffer leaves the buffer as it is: one answer does not need a larger one.
func (s *quicSocket) SetReadBuffer(int) error { return nil }

// SetWriteBuffer leaves the buffer as it is.
func (s *quicSocket) SetWriteBuffer(int) error { return nil }

// quicBody is the body of an answer. It ends by the deadline, and says so.
type quicBody struct {
	io.ReadCloser
	ctx context.Context
}

func (b *quicBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		if err = quicError(b.ctx, err); errors.Is(err, errRejected) { // but it has answered
			err = because(ReasonBody, fmt.Errorf("peer broke off the answer: %s", http3.ErrCodeRequestRejected))
		}
	}
	return n, err
}

// quicError gives an error its reason, and words for a person. What is known
// already, and what the system says, stays as it is.
func quicError(ctx context.Context, err error) error {
	var (
		errno  syscall.Errno
		known  *reasonError
		verify *tls.CertificateVerificationError
		broken *quic.TransportError
		hungUp *quic.ApplicationError
		answer *http3.Error
	)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &known), errors.As(err, &errno), isTimeout(err):
		return err
	case errors.As(err, &verify):
		return verify
	case rejected(err):
		return errRejected
	case errors.As(err, &broken) && broken.ErrorCode.IsCryptoError():
		return because(ReasonTLS, errors.New(quicAlert(broken)))
	case errors.As(err, &broken):
		return because(ReasonConnect, fmt.Errorf("QUIC connection broken: %s", broken.ErrorCode))
	case errors.As(err, &hungUp) && hungUp.Remote:
		return because(ReasonConnect, fmt.Errorf("peer closed the QUIC connection: %s", http3.ErrCode(hungUp.ErrorCode)))
	case errors.As(err, &answer) && answer.Remote:
		return because(ReasonBody, fmt.Errorf("peer broke off the answer: %s", answer.ErrorCode))
	case errors.As(err, &answer):
		return because(ReasonBody, fmt.Errorf("no answer in HTTP/3: %s", answer.ErrorCode))
	case strings.Contains(err.Error(), "headers too large"):
		return errHeaderTooLarge
	case strings.HasPrefix(err.Error(), "http3: "): // which has no types for these
		return because(ReasonBody, fmt.Errorf("no answer in HTTP/3: %s", strings.TrimPrefix(err.Error(), "http3: ")))
	}
	return err
}

// rejected reports whether the peer says that it has not processed the request.
func rejected(err error) bool {
	answer, ok := errors.AsType[*http3.Error](err)
	return ok && answer.Remote && answer.ErrorCode == http3.ErrCodeRequestRejected ||
		err.Error() == "connection in graceful shutdown" // GOAWAY came before the request was made, which http3 has no type for
}

// quicAlert is what a handshake failed of: a TLS alert, ours or the peer's.
func quicAlert(err *quic.TransportError) string {
	if alert, ok := errors.AsType[tls.AlertError](err); ok {
		return alert.Error()
	}
	text := tls.AlertError(err.ErrorCode - 0x100).Error()
	if err.Remote {
		return "remote error: " + text
	}
	return text
}
