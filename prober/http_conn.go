package prober

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/http/httpguts"
)

// httpConns makes GET requests over HTTP/1.1, each on a connection of its own or
// on one kept from the last time. It does in one goroutine and half the time
// what net/http.Transport needs three for: probing is what we do all day.
type httpConns struct {
	dialer    *dialer
	tls       *tlsSource
	keepAlive bool
	idle      idleConns
	scratch   sync.Pool // of *scratch
}

func newHTTPConns(d *dialer, t *tlsSource, keepAlive bool) *httpConns {
	c := &httpConns{dialer: d, tls: t, keepAlive: keepAlive}
	c.scratch.New = func() any {
		s := &scratch{}
		s.reader = bufio.NewReaderSize(&s.meter, 4<<10)
		return s
	}
	return c
}

var errSmallChunks = because(ReasonBody, errors.New("body in chunks with hardly anything in them"))

// scratch is the memory of one exchange, used again by the next one.
type scratch struct {
	meter  meter
	reader *bufio.Reader // reads from meter
	buf    []byte        // the request, then the body
}

// getRequest is one GET.
type getRequest struct {
	url  *url.URL
	host string // the Host header
	// header is the rest of the header as it goes over the wire, line ends included.
	header    string
	bodyLimit int // of the answer; negative leaves the body unread
	policy    *NetworkPolicy
	away      bool // from the host and port that our certificate is for
}

// httpAnswer is what came back.
type httpAnswer struct {
	code   int
	header http.Header
	// body is what was read of it, at most one byte more than the limit. It
	// belongs to the scratch and is gone with done.
	body   []byte
	cut    bool      // there is more of the body than was read
	expiry time.Time // of the first certificate to expire
	done   func()
}

// get makes one request and reads the answer. Whoever gets no error calls done.
func (c *httpConns) get(ctx context.Context, req getRequest) (httpAnswer, error) {
	s := c.scratch.Get().(*scratch)
	answer, err := c.getWith(ctx, req, s)
	if err != nil {
		c.release(s)
		return httpAnswer{expiry: answer.expiry, code: answer.code}, err
	}
	answer.done = func() { c.release(s) }
	return answer, nil
}

func (c *httpConns) release(s *scratch) {
	s.meter.from = nil
	s.reader.Reset(&s.meter)
	c.scratch.Put(s)
}

func (c *httpConns) getWith(ctx context.Context, req getRequest, s *scratch) (httpAnswer, error) {
	var err error
	if s.buf, err = appendRequest(s.buf[:0], &req); err != nil {
		return httpAnswer{}, during(PhaseRequest, err)
	}
	var key connKey
	if c.keepAlive {
		if key, err = c.key(&req); err != nil {
			return httpAnswer{}, during(PhaseTLS, err)
		}
		if conn := c.idle.take(key); conn != nil {
			if req.policy.Check(conn.remote, req.url.Hostname()) != nil {
				conn.Close()
			} else if answer, err := c.exchange(ctx, conn, key, &req, s); err == nil || s.meter.read > 0 || isTimeout(err) || ctx.Err() != nil {
				return answer, err
			}
			// The peer has hung up in the meantime, as it may.
			s.buf, _ = appendRequest(s.buf[:0], &req)
		}
	}
	conn, err := c.connect(ctx, &req)
	if err != nil {
		return httpAnswer{}, err
	}
	return c.exchange(ctx, conn, key, &req, s)
}

// appendRequest writes the request as it goes over the wire.
func appendRequest(b []byte, req *getRequest) ([]byte, error) {
	host := plainHostPort(req.host)
	if !httpguts.ValidHostHeader(host) {
		return b, because(ReasonInternal, errors.New("host is not valid in a request"))
	}
	b = append(b, "GET "...)
	b = append(b, req.url.RequestURI()...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, host...)
	b = append(b, "\r\n"...)
	b = append(b, req.header...)
	return append(b, "\r\n"...), nil
}

// httpConn is a connection and what its handshake has told.
type httpConn struct {
	net.Conn
	remote netip.AddrPort
	expiry time.Time
	timer  *time.Timer // closes it while it is idle
}

func (c *httpConns) connect(ctx context.Context, req *getRequest) (*httpConn, error) {
	conn, err := c.dialer.dial(ctx, req.policy, "tcp", withPort(req.url))
	if err != nil {
		return nil, during(PhaseConnect, err)
	}
	made := &httpConn{Conn: conn}
	if c.keepAlive {
		if addr, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
			made.remote = addr.AddrPort()
		}
	}
	if req.url.Scheme != "https" {
		return made, nil
	}
	config, err := c.tls.config(nameOf(req.host, req.url), "http/1.1")
	if err != nil {
		conn.Close()
		return nil, during(PhaseTLS, err)
	}
	if req.away {
		withoutOwnCertificate(config)
	}
	stop := bound(ctx, conn)
	secure := tls.Client(conn, config)
	err = secure.Handshake()
	if !stop() || err != nil {
		conn.Close()
		if err == nil {
			err = ctx.Err()
		}
		return nil, during(PhaseTLS, because(ReasonTLS, err))
	}
	made.Conn = secure
	state := secure.ConnectionState()
	made.expiry = expiryOf(&state)
	return made, nil
}

// nameOf is the name that a server must prove to be: that of the Host header.
func nameOf(hostHeader string, u *url.URL) string {
	if hostHeader == "" {
		return plainHost(u.Hostname())
	}
	host, _, err := net.SplitHostPort(hostHeader)
	if err != nil {
		host = hostHeader
	}
	return plainHost(strings.Trim(host, "[]"))
}

// exchange sends the request and reads the answer. The connection is closed or
// kept for the next time when it returns.
func (c *httpConns) exchange(ctx context.Context, conn *httpConn, key connKey, req *getRequest, s *scratch) (answer httpAnswer, err error) {
	answer.expiry = conn.expiry
	reusable := false
	stop := bound(ctx, conn.Conn)
	defer func() {
		if untouched := stop(); untouched && reusable && err == nil {
			c.idle.put(key, conn)
			return
		}
		conn.Close()
	}()

	s.meter = meter{from: conn, left: maxHeaderBytes, over: errHeaderTooLarge}
	s.reader.Reset(&s.meter)
	if _, err := conn.Write(s.buf); err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		return answer, during(PhaseRequest, err)
	} // else the answer, if there is one, says more
	resp, err := readResponse(s.reader)
	if err != nil {
		if s.meter.read == 0 && isEOF(err) {
			err = io.EOF // ReadResponse calls this unexpected too
		}
		if s.meter.read > 0 && !isTimeout(err) && !isEOF(err) && !isNet(err) && !errors.Is(err, errHeaderTooLarge) {
			err = because(ReasonBody, fmt.Errorf("no answer in HTTP: %w", err))
		}
		if s.meter.read == 0 {
			return answer, during(PhaseRequest, err)
		}
		return answer, during(PhaseTransfer, err)
	}
	answer.code, answer.header = resp.StatusCode, resp.Header
	if req.bodyLimit < 0 {
		return answer, nil
	}
	// Chunks have sizes, and may have extensions and trailers: allow for them.
	s.meter.left, s.meter.over = 2*int64(req.bodyLimit)+maxHeaderBytes, errSmallChunks
	var whole bool
	s.buf, whole, err = readUpTo(s.buf[:0], resp.Body, req.bodyLimit)
	answer.body, answer.cut = s.buf, !whole
	if errors.Is(err, errSmallChunks) {
		return answer, nil // what was read of the body will do
	}
	if err != nil && !isTimeout(err) && !isNet(err) && !errors.Is(err, io.ErrUnexpectedEOF) {
		err = because(ReasonBody, fmt.Errorf("reading the body: %w", err))
	}
	if err != nil {
		err = during(PhaseTransfer, err)
	}
	reusable = c.keepAlive && whole && !resp.Close && s.reader.Buffered() == 0
	return answer, err
}

// readResponse reads the header of the final response.
func readResponse(r *bufio.Reader) (*http.Response, error) {
	for range 6 {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, nil
		}
	}
	return nil, because(ReasonBody, errors.New("too many interim answers"))
}

// readUpTo appends what r has to buf, until it has one byte more than the
// limit. whole reports whether r has no more.
func readUpTo(buf []byte, r io.Reader, limit int) (_ []byte, whole bool, err error) {
	for len(buf) <= limit {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):min(cap(buf), limit+1)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, true, nil
		}
		if err != nil {
			return buf, false, err
		}
	}
	return buf, false, nil
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

func isNet(err error) bool {
	var op *net.OpError
	return errors.As(err, &op)
}
