package prober

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/health-exporter/health_exporter/health"
	"github.com/prometheus/common/config"
	"golang.org/x/net/http/httpguts"
)

// websocketProbe opens a WebSocket and holds a dialogue of messages. Its keys,
// defaults and metrics are those of blackbox_exporter.
type websocketProbe struct {
	Outbound `yaml:",inline"`
	// Client are Prometheus' common options. Of them tls_config, basic_auth,
	// authorization and bearer_token act; the others are accepted for the sake of
	// existing files.
	Client config.HTTPClientConfig `yaml:"http_config"`
	// Headers are sent with the request for the upgrade. Host is the name to ask
	// for, Sec-WebSocket-Protocol the subprotocols to offer.
	Headers config.Headers `yaml:"headers"`
	// QueryResponse is the dialogue. Of each step only expect, which reads one
	// message, and send, which sends one, act.
	QueryResponse []QueryResponse `yaml:"query_response"`

	// made by validate
	dialer       *dialer
	certificates *tlsSource
	creds        *credentials
	agent        string
}

func newWebsocketProbe() spec {
	return &websocketProbe{
		Outbound: Outbound{IPProtocolFallback: true},
		Client:   config.DefaultHTTPClientConfig,
	}
}

// validate checks and completes the configuration.
func (p *websocketProbe) validate() error {
	d, faults := p.newDialer()
	faults = append(faults, p.validateClient()...)
	faults = append(faults, checkQueryResponse(p.QueryResponse)...)
	for name, header := range p.Headers.Headers {
		if !httpguts.ValidHeaderFieldName(name) {
			faults = append(faults, &FieldError{"headers." + name, "is no name of a header"})
		}
		for _, value := range header.Values {
			if !httpguts.ValidHeaderFieldValue(value) {
				faults = append(faults, &FieldError{"headers." + name, "has a value with a line break or control character"})
			}
		}
	}
	p.dialer = d
	p.certificates = newTLSSource(p.Client.TLSConfig)
	p.creds = newCredentials(&p.Client)
	p.agent = userAgent()
	return errors.Join(faults...)
}

// validateClient checks the options that act. oauth2 is one that does not.
func (p *websocketProbe) validateClient() (faults []error) {
	oauth := p.Client.OAuth2
	p.Client.OAuth2 = nil
	for _, fault := range validateClient(&p.Client) {
		var field *FieldError
		if errors.As(fault, &field) {
			path := "http_config." + field.Path
			if field.Path == "http" { // the options as a whole
				path = "http_config"
			}
			fault = &FieldError{path, field.Detail}
		}
		faults = append(faults, fault)
	}
	p.Client.OAuth2 = oauth
	return faults
}

// websocketRun is one probe of kind websocket.
type websocketRun struct {
	*websocketProbe
	req   *Request
	phase Phase

	url    *url.URL // nil if the target is none
	at     place
	looked bool // an address was looked for

	connect, processing, transfer time.Duration
	// resolved, tried, connected and talked tell how far it came, and with it which
	// durations there are.
	resolved, tried, connected, talked bool

	status      int
	upgraded    bool
	regexFailed bool
	certExpiry  time.Time
}

// probe passes if the connection is upgraded and the dialogue succeeds.
func (p *websocketProbe) probe(ctx context.Context, req Request) Result {
	limit := timeLimit(ctx)
	r := &websocketRun{websocketProbe: p, req: &req}
	res := Result{Outcome: health.Pass}
	if err := r.do(ctx); err != nil {
		res = failedIn(ctx, r.phase, limit, err)
		req.debug("probe failed", "reason", string(res.Reason), "phase", string(res.Phase), "err", res.Error)
	}
	res.StatusCode = r.status
	if res.CertExpiry.IsZero() {
		res.CertExpiry = r.certExpiry
	}
	if req.Samples && r.url != nil {
		res.Samples = r.samples()
	}
	return res
}

func (r *websocketRun) do(ctx context.Context) error {
	u, err := url.Parse(r.req.Target)
	if err != nil {
		return because(ReasonInternal, errors.New("target is no URL"))
	}
	r.url = u
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "wss" {
			port = "443"
		}
	}
	r.phase, r.looked = PhaseResolve, true
	if r.at, err = r.locate(ctx, r.dialer, r.req, plainHost(u.Hostname()), port); err != nil {
		return err
	}
	r.resolved = true

	begin := time.Now()
	conn, err := r.upgrade(ctx)
	r.tried, r.processing = true, max(0, time.Since(begin)-r.connect)
	if err != nil {
		return err
	}
	defer conn.close()
	if len(r.QueryResponse) == 0 {
		return nil
	}
	begin = time.Now()
	err = r.talk(conn)
	r.talked, r.transfer = true, time.Since(begin)
	r.regexFailed = err != nil
	return err
}

// websocketConn is an open WebSocket, bound to the deadline of the probe.
type websocketConn struct {
	*websocket.Conn
	close func()
}

// upgrade connects and asks for a WebSocket.
func (r *websocketRun) upgrade(ctx context.Context) (_ *websocketConn, err error) {
	r.phase = PhaseConnect
	if r.url.Scheme != "ws" && r.url.Scheme != "wss" {
		r.phase = PhaseNone
		return nil, because(ReasonInternal, errors.New("target must be a URL with ws:// or wss://"))
	}
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
	ws, err := r.ask(stream)
	if err != nil {
		hangUp()
		return nil, err
	}
	r.upgraded = true
	r.req.debug("connection upgraded")
	// No handshake at the end: the peer's part in it is not what is probed.
	return &websocketConn{Conn: ws, close: func() {
		_ = ws.CloseNow()
		hangUp()
	}}, nil
}

func (r *websocketRun) secure(conn net.Conn) (net.Conn, error) {
	r.phase = PhaseTLS
	config, err := r.certificates.config(r.at.host)
	if err != nil {
		return nil, err
	}
	secure, err := handshake(conn, config)
	if err != nil {
		return nil, err
	}
	r.certExpiry = earliestExpiry(secure.ConnectionState().PeerCertificates)
	return secure, nil
}

// ask makes the request for the upgrade. The connection's deadline bounds it,
// and whatever is done with the WebSocket later.
func (r *websocketRun) ask(conn net.Conn) (*websocket.Conn, error) {
	r.phase = PhaseRequest
	header, err := r.header()
	if err != nil {
		return nil, err
	}
	options := &websocket.DialOptions{
		HTTPHeader:   header,
		Host:         header.Get("Host"),
		Subprotocols: subprotocols(header),
	}
	header.Del("Host")
	trip := &upgradeTrip{conn: conn}
	options.HTTPClient = &http.Client{
		Transport:     trip,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	u := *r.url
	u.User, u.Fragment = nil, ""
	ws, _, err := websocket.Dial(context.Background(), u.String(), options)
	r.status = trip.status
	switch {
	case err == nil:
		trip.body.open = true
		ws.SetReadLimit(maxDialogueBytes)
		return ws, nil
	case trip.err != nil:
		return nil, trip.err
	case trip.status == 0:
		return nil, because(ReasonInternal, errors.New("the request cannot be made of this target"))
	case trip.status != http.StatusSwitchingProtocols:
		r.phase = PhaseCheck
		return nil, because(ReasonStatus, fmt.Errorf("status %d, want 101", trip.status))
	}
	r.phase = PhaseCheck
	_, why, _ := strings.Cut(err.Error(), "violation: ")
	return nil, because(ReasonBody, fmt.Errorf("no WebSocket: %s", why))
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

// upgradeTrip makes one request over a connection that is open already, and
// gives the connection away as the body of the answer.
type upgradeTrip struct {
	conn   net.Conn
	status int
	body   *upgradedBody // of a good answer
	err    error         // of the connection
}

// RoundTrip sends the request and reads the header of the answer.
func (t *upgradeTrip) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.exchange(req)
	if err != nil {
		t.err = err
		return nil, err
	}
	t.status = resp.StatusCode
	return resp, nil
}

func (t *upgradeTrip) exchange(req *http.Request) (*http.Response, error) {
	if err := req.Write(t.conn); err != nil {
		return nil, err
	}
	limited := &meter{from: t.conn, left: maxHeaderBytes}
	reader := bufio.NewReaderSize(limited, 4<<10)
	resp, err := readResponse(reader)
	switch {
	case err == nil:
	case limited.read == 0 && isEOF(err):
		return nil, io.EOF
	case isTimeout(err), isEOF(err), isNet(err), errors.Is(err, errHeaderTooLarge):
		return nil, err
	default:
		return nil, because(ReasonBody, fmt.Errorf("no answer in HTTP: %w", err))
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		resp.Body = http.NoBody // nobody will read it
		return resp, nil
	}
	limited.left = maxDialogueBytes
	t.body = &upgradedBody{Conn: t.conn, reader: reader}
	resp.Body = t.body
	return resp, nil
}

// upgradedBody is a connection of which something was read ahead. It seems empty
// until it is open: nobody shall wait for the body of an answer that is no good.
type upgradedBody struct {
	net.Conn
	reader io.Reader
	open   bool
}

func (b *upgradedBody) Read(p []byte) (int, error) {
	if !b.open {
		return 0, io.EOF
	}
	return b.reader.Read(p)
}

// talk holds the dialogue.
func (r *websocketRun) talk(conn *websocketConn) error {
	for i := range r.QueryResponse {
		step := &r.QueryResponse[i]
		send := step.Send
		if step.Expect.Regexp != nil {
			r.phase = PhaseTransfer
			_, message, err := conn.Read(context.Background())
			if err != nil {
				return messageError(err)
			}
			r.req.debug("read message", "length", len(message))
			match := step.Expect.FindSubmatchIndex(message)
			if match == nil {
				r.phase = PhaseCheck
				return because(ReasonBody, fmt.Errorf("message does not match %q", step.Expect))
			}
			send = string(step.Expect.Expand(nil, []byte(send), message, match))
		}
		if send != "" {
			r.phase = PhaseRequest
			if err := conn.Write(context.Background(), websocket.MessageText, []byte(send)); err != nil {
				return messageError(err)
			}
		}
	}
	return nil
}

// messageError says what is wrong with an answer: that there is none, that the
// peer has hung up, or that it is no message.
func messageError(err error) error {
	var hungUp websocket.CloseError
	switch {
	case errors.As(err, &hungUp):
		return because(ReasonBody, fmt.Errorf("peer closed the WebSocket: %d %s", hungUp.Code, hungUp.Reason))
	case errors.Is(err, errHeaderTooLarge), errors.Is(err, websocket.ErrMessageTooBig):
		return because(ReasonBody, errTalkative)
	case isTimeout(err), isNet(err), isEOF(err):
		return err
	}
	return because(ReasonBody, fmt.Errorf("no message: %w", err))
}

// samples are the metrics of this probe.
func (r *websocketRun) samples() []Sample {
	s := make([]Sample, 0, 12)
	if r.looked {
		s = addressSamples(s, r.at.addr, r.at.took)
	}
	s = append(s,
		gauge("probe_websocket_status_code", "Response HTTP status code", float64(r.status)),
		gauge("probe_websocket_connection_upgraded", "Indicates if the websocket connection was successfully upgraded", boolValue(r.upgraded)),
		gauge("probe_websocket_failed_due_to_regex", "Indicates if probe failed due to regex", boolValue(r.regexFailed)))
	phase := func(there bool, name string, took time.Duration) {
		if there {
			s = append(s, gauge("probe_websocket_duration_seconds", "Duration of websocket request by phase",
				took.Seconds(), Label{"phase", name}))
		}
	}
	phase(r.resolved, "resolve", r.at.took)
	phase(r.connected, "connect", r.connect)
	phase(r.tried, "processing", r.processing)
	phase(r.talked, "transfer", r.transfer)
	return s
}
