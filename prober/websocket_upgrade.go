package prober

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// websocketConn is an open WebSocket, bound to the deadline of the probe.
type websocketConn struct {
	*websocket.Conn
	stream net.Conn // below it
	close  func()
}

// sayGoodbye informs the peer that the connection ends on purpose, which else it
// would log as an error. What it answers is not waited for.
func (c *websocketConn) sayGoodbye() {
	// A closing frame as a client sends it: masked, here with zeros, and with a code.
	frame := [8]byte{0: 0x88, 1: 0x82, 6: byte(websocket.StatusNormalClosure >> 8), 7: byte(websocket.StatusNormalClosure & 0xff)}
	_, _ = c.stream.Write(frame[:])
}

// upgrade connects and asks for a WebSocket.
func (r *websocketRun) upgrade(ctx context.Context) (_ *websocketConn, err error) {
	r.phase = PhaseNone
	if r.url.Scheme != "ws" && r.url.Scheme != "wss" {
		return nil, because(ReasonInternal, errNoWebsocketURL)
	}
	header, err := r.header()
	if err != nil {
		return nil, err
	}
	r.phase = PhaseConnect
	begin := time.Now()
	conn, err := r.at.connect(ctx, r.dialer, r.req.Network)
	if err != nil {
		return nil, err
	}
	r.connected, r.connect = true, time.Since(begin)
	stop := bound(ctx, conn)
	hangUp := func() {
		stop()
		conn.Close()
	}
	stream := conn
	if r.url.Scheme == "wss" {
		if stream, err = r.secure(conn); err != nil {
			hangUp()
			return nil, err
		}
	}
	ws, err := r.ask(stream, header)
	if err != nil {
		hangUp()
		return nil, err
	}
	r.upgraded = true
	r.req.Debug("connection upgraded")
	return &websocketConn{Conn: ws, stream: stream, close: func() {
		_ = ws.CloseNow()
		hangUp()
	}}, nil
}

func (r *websocketRun) secure(conn net.Conn) (net.Conn, error) {
	r.phase = PhaseTLS
	secure, err := handshake(fixedDeadline{conn}, r.options)
	if err != nil {
		return nil, err
	}
	state := secure.ConnectionState()
	r.certExpiry = expiryOf(&state)
	r.req.Debug("TLS handshake done", "version", tls.VersionName(state.Version))
	return secure, nil
}

// ask makes the request for the upgrade. The connection's deadline bounds it,
// and whatever is done with the WebSocket later.
func (r *websocketRun) ask(conn net.Conn, header http.Header) (*websocket.Conn, error) {
	r.phase = PhaseRequest
	options := &websocket.DialOptions{
		HTTPHeader:   header,
		Host:         plainHostPort(header.Get("Host")),
		Subprotocols: subprotocols(header),
	}
	trip := &upgradeTrip{conn: conn}
	options.HTTPClient = &http.Client{
		Transport:     trip,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ws, _, err := websocket.Dial(context.Background(), r.url.String(), options)
	r.status = trip.status
	switch {
	case err == nil:
		trip.body.open = true
		ws.SetReadLimit(maxDialogueBytes)
		return ws, nil
	case trip.err != nil:
		if isTLS(trip.err) { // TLS 1.3 refuses a client's certificate after the handshake
			r.phase = PhaseTLS
		}
		return nil, trip.err
	case trip.status == 0:
		return nil, because(ReasonInternal, errors.New("no request can be made of this target"))
	case trip.status != http.StatusSwitchingProtocols:
		r.phase = PhaseCheck
		return nil, because(ReasonStatus, fmt.Errorf("status %d, want 101", trip.status))
	}
	r.phase = PhaseCheck
	_, why, _ := strings.Cut(err.Error(), "violation: ")
	return nil, because(ReasonBody, fmt.Errorf("not a WebSocket: %s", why))
}

// header is that of the request. Secrets are read now, so that they rotate
// without a reload; one that cannot be read fails the probe.
func (r *websocketRun) header() (http.Header, error) {
	header := http.Header{"User-Agent": {r.agent}}
	if err := addHeaders(header, &r.Headers); err != nil {
		return nil, err
	}
	if agents := header["User-Agent"]; len(agents) > 1 {
		header["User-Agent"] = agents[1:]
	}
	value, err := r.creds.value(r.url)
	if err != nil {
		return nil, err
	}
	if value != "" {
		header["Authorization"] = append([]string{value}, header["Authorization"]...)
	}
	return header, nil
}

// subprotocols takes those to offer out of the header.
func subprotocols(header http.Header) (offered []string) {
	for _, value := range header.Values("Sec-WebSocket-Protocol") {
		for each := range strings.SplitSeq(value, ",") {
			offered = append(offered, strings.TrimSpace(each))
		}
	}
	header.Del("Sec-WebSocket-Protocol")
	return offered
}
