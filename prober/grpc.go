package prober

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/config"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/health-exporter/health_exporter/health"
)

// grpcProbe asks a server for the health of a service by the gRPC health
// checking protocol. Its keys, defaults and metrics are those of
// blackbox_exporter.
type grpcProbe struct {
	Outbound `yaml:",inline"`
	// Service is the one to ask for; empty means the server as a whole.
	Service   string           `yaml:"service"`
	TLS       bool             `yaml:"tls"`
	TLSConfig config.TLSConfig `yaml:"tls_config"`
	LegacyTLS `yaml:",inline"`
	// Metadata is sent with the call.
	Metadata map[string][]string `yaml:"metadata"`

	// made by validate
	dialer       *dialer
	certificates *tlsSource
	metadata     metadata.MD
	agent        string
}

// newGRPCProbe falls back to the other protocol with or without a block of
// options.
func newGRPCProbe() spec { return &grpcProbe{Outbound: Outbound{IPProtocolFallback: true}} }

// validate checks and completes the configuration.
func (p *grpcProbe) validate() error {
	d, faults := p.newDialer()
	faults = append(faults, checkTLSConfig(&p.TLSConfig)...)
	p.dialer = d
	p.certificates = newTLSSource(p.TLSConfig, p.TLSLegacy)
	p.metadata = metadata.MD{}
	for name, values := range p.Metadata {
		if !slices.Contains(reservedMetadata, strings.ToLower(name)) {
			p.metadata.Append(name, values...) // in lower case, as HTTP/2 wants it
		}
	}
	p.agent = userAgent()
	return errors.Join(faults...)
}

// warnings are what is most likely wrong although it can be tried.
func (p *grpcProbe) warnings() []error {
	list := append(p.Outbound.warnings(), warnTLSConfig(&p.TLSConfig)...)
	for _, name := range slices.Sorted(maps.Keys(p.Metadata)) {
		if why := badMetadata(name, p.Metadata[name]); why != "" {
			list = append(list, &FieldError{"metadata." + name, why})
		}
	}
	return list
}

// checkMetadata fails a call that could not be made with its metadata.
func (p *grpcProbe) checkMetadata() error {
	for name, values := range p.Metadata {
		if why := badMetadata(name, values); why != "" && !slices.Contains(reservedMetadata, strings.ToLower(name)) {
			return because(ReasonInternal, fmt.Errorf("metadata %q %s", name, why))
		}
	}
	return nil
}

// badMetadata returns what makes every call with the metadata fail, or makes it
// disappear from the call.
func badMetadata(name string, values []string) string {
	name = strings.ToLower(name)
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
	}
	switch {
	case name == "" || strings.ContainsFunc(name, odd):
		return "is not a valid metadata name: only letters, digits, -, _ and . are allowed"
	case slices.Contains(reservedMetadata, name):
		return "is reserved by gRPC, and not sent"
	case strings.HasSuffix(name, "-bin"): // goes over the wire in base64
		return ""
	}
	for _, value := range values {
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return "has a value that is not printable ASCII; binary values need a name that ends in -bin"
		}
	}
	return ""
}

// reservedMetadata are the headers that belong to the protocol itself.
var reservedMetadata = []string{
	"content-type", "grpc-encoding", "grpc-message", "grpc-message-type", "grpc-status", "grpc-timeout", "te", "user-agent",
}

// grpcRun is one probe of kind grpc.
type grpcRun struct {
	*grpcProbe
	req   *Request
	phase Phase

	at      place
	options *tls.Config   // nil without TLS
	looked  bool          // an address was looked for
	called  bool          // it was found, so that the call was made or failed to be
	took    time.Duration // the call, and the way there
	code    codes.Code
	// sentAway reports whether the server has not processed the call.
	sentAway bool
	// answer is nil if the call failed.
	answer *healthpb.HealthCheckResponse
	tls    *tls.ConnectionState
}

// probe passes if the server says that the service is serving.
func (p *grpcProbe) probe(ctx context.Context, req Request) Result {
	limit := timeLimit(ctx)
	r := &grpcRun{grpcProbe: p, req: &req}
	res := Result{Outcome: health.Pass}
	err := r.do(ctx)
	if err != nil {
		res = failedIn(ctx, r.phase, limit, err)
		req.Debug("probe failed", "reason", string(res.Reason), "phase", string(res.Phase), "err", res.Error)
	}
	if r.tls != nil && res.CertExpiry.IsZero() {
		res.CertExpiry = expiryOf(r.tls)
	}
	if req.Samples {
		res.Samples = refusedSamples(r.samples(), err)
	}
	return res
}

func (r *grpcRun) do(ctx context.Context) error {
	host, port, err := grpcTarget(r.req.Target, r.TLS)
	if err != nil {
		return err
	}
	if err := r.checkMetadata(); err != nil {
		return err
	}
	if r.TLS {
		if r.options, err = r.certificates.config(host, "h2"); err != nil {
			return err
		}
	}
	r.phase, r.looked = PhaseResolve, true
	if r.at, err = r.locate(ctx, r.dialer, r.req, host, port); err != nil {
		return err
	}
	r.called = true
	begin := time.Now()
	if err = r.call(ctx); err != nil && r.sentAway && ctx.Err() == nil {
		r.req.Debug("call refused unprocessed, calling again", "err", plainError(err))
		err = r.call(ctx)
	}
	r.took = time.Since(begin)
	if err != nil {
		return err
	}
	r.req.Debug("received answer", "serving_status", r.answer.GetStatus().String())
	if r.answer.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		r.phase = PhaseCheck
		return because(ReasonStatus, fmt.Errorf("service is %s, want SERVING", r.answer.GetStatus()))
	}
	return nil
}

// grpcTarget takes host and port out of a target: host, host:port, an address,
// or a URL of http or https, whose scheme and path mean nothing.
func grpcTarget(target string, secure bool) (host, port string, err error) {
	port = "80"
	if secure {
		port = "443"
	}
	if addr, err := netip.ParseAddr(target); err == nil {
		return addr.String(), port, nil
	}
	u, err := parseHTTPTarget(target)
	if err != nil {
		return "", "", err
	}
	if u.Port() != "" {
		port = u.Port()
	}
	return plainHost(u.Hostname()), port, nil
}

// samples are the metrics of this probe.
func (r *grpcRun) samples() []Sample {
	s := make([]Sample, 0, 16)
	if r.looked {
		s = addressSamples(s, r.at.addr, r.at.took)
	}
	phase := func(name string, took time.Duration) {
		s = append(s, gauge("probe_grpc_duration_seconds", "Duration of gRPC request by phase", took.Seconds(), Label{"phase", name}))
	}
	phase("resolve", r.at.took)
	s = append(s,
		gauge("probe_grpc_ssl", "Indicates if SSL was used for the connection", boolValue(r.tls != nil && r.answer != nil)),
		gauge("probe_grpc_status_code", "Response gRPC status code", float64(r.code)))
	if !r.called {
		return s
	}
	phase("check", r.took)
	for _, number := range servingStatuses {
		s = append(s, gauge("probe_grpc_healthcheck_response", "Response HealthCheck response",
			boolValue(r.answer != nil && r.answer.GetStatus() == number), Label{"serving_status", number.String()}))
	}
	if r.tls != nil && r.answer != nil {
		s = tlsSamples(s, r.tls, false)
		s = slices.DeleteFunc(s, func(each Sample) bool {
			return each.Name == "probe_ssl_last_chain_expiry_timestamp_seconds"
		})
	}
	return s
}

var servingStatuses = []healthpb.HealthCheckResponse_ServingStatus{
	healthpb.HealthCheckResponse_UNKNOWN,
	healthpb.HealthCheckResponse_SERVING,
	healthpb.HealthCheckResponse_NOT_SERVING,
	healthpb.HealthCheckResponse_SERVICE_UNKNOWN,
}
