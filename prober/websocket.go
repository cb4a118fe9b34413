package prober

import (
	"context"
	"crypto/tls"
	"errors"
	"net/url"
	"time"

	"github.com/prometheus/common/config"
	"golang.org/x/net/http/httpguts"

	"github.com/health-exporter/health_exporter/health"
)

// websocketProbe opens a WebSocket and holds a dialogue of messages. Its keys,
// defaults and metrics are those of blackbox_exporter.
type websocketProbe struct {
	Outbound `yaml:",inline"`
	// Client are Prometheus' common options. Of them tls_config, basic_auth,
	// authorization and bearer_token act; the others are accepted for the sake of
	// existing files.
	Client    config.HTTPClientConfig `yaml:"http_config"`
	LegacyTLS `yaml:",inline"`
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
			faults = append(faults, &FieldError{"headers." + name, "is not a valid header name"})
		}
		for _, value := range header.Values {
			if !httpguts.ValidHeaderFieldValue(value) {
				faults = append(faults, &FieldError{"headers." + name, "has a value with a line break or control character"})
			}
		}
	}
	p.dialer = d
	p.certificates = newTLSSource(p.Client.TLSConfig, p.TLSLegacy)
	p.creds = newCredentials(&p.Client)
	p.agent = userAgent()
	return errors.Join(faults...)
}

// warnings are what is most likely wrong although it can be tried.
func (p *websocketProbe) warnings() []error {
	list := p.Outbound.warnings()
	for _, warning := range warnClient(&p.Client) {
		if field, ok := errors.AsType[*FieldError](warning); ok {
			warning = &FieldError{"http_config." + field.Path, field.Detail}
		}
		list = append(list, warning)
	}
	if p.Client.OAuth2 != nil || p.Client.ProxyURL.URL != nil || p.Client.HTTPHeaders != nil {
		list = append(list, &FieldError{
			"http_config", "only tls_config, basic_auth, authorization and bearer_token take effect for a WebSocket",
		})
	}
	return list
}

// validateClient checks the options that act. oauth2 is one that does not.
func (p *websocketProbe) validateClient() (faults []error) {
	oauth := p.Client.OAuth2
	p.Client.OAuth2 = nil
	for _, fault := range validateClient(&p.Client) {
		if field, ok := errors.AsType[*FieldError](fault); ok {
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

var errNoWebsocketURL = errors.New("target must be a URL with ws:// or wss://")

// websocketRun is one probe of kind websocket.
type websocketRun struct {
	*websocketProbe
	req   *Request
	phase Phase

	url     *url.URL // nil if the target is not a URL
	options *tls.Config
	at      place
	looked  bool // an address was looked for

	connect, processing, transfer time.Duration
	// resolved, tried, connected and answered tell how far it came, and with it which
	// durations there are.
	resolved, tried, connected, answered bool

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
		req.Debug("probe failed", "reason", string(res.Reason), "phase", string(res.Phase), "err", res.Error)
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
		return because(ReasonInternal, errors.New("target is not a valid URL"))
	}
	tidyURL(u)
	r.url = u
	if u.Scheme == "wss" {
		if r.options, err = r.certificates.config(plainHost(u.Hostname())); err != nil {
			return err
		}
	}
	if plainHost(u.Hostname()) == "" {
		r.looked = true // in vain
		return because(ReasonInternal, errNoWebsocketURL)
	}
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "wss" {
			port = "443"
		}
	}
	r.phase, r.looked = PhaseResolve, true
	if r.at, err = r.locate(ctx, r.dialer, r.req, u.Hostname(), port); err != nil {
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
	if len(r.QueryResponse) > 0 {
		begin = time.Now()
		err = r.dialogue(ctx, conn)
		r.answered, r.transfer = true, time.Since(begin)
		r.regexFailed = err != nil
	}
	if err == nil {
		conn.sayGoodbye()
	}
	return err
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
	phase(r.answered, "transfer", r.transfer)
	return s
}
