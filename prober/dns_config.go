package prober

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/miekg/dns"
	"github.com/prometheus/common/config"
)

// dnsProbe asks a DNS server a question and checks the answer against
// conditions. Its keys, defaults and metrics are those of blackbox_exporter,
// and a few more.
type dnsProbe struct {
	agent string // empty for the usual one

	Outbound `yaml:",inline"`

	// QueryName is mapped to ASCII if need be; \195\188 is a byte as it is.
	QueryName string `yaml:"query_name"`
	// QueryType and QueryClass are names such as MX and IN; empty means ANY and IN.
	QueryType  string `yaml:"query_type"`
	QueryClass string `yaml:"query_class"`
	// TransportProtocol is udp, tcp, or https for DNS over HTTPS (RFC 8484).
	// Empty means udp, or tcp with dns_over_tls.
	TransportProtocol string `yaml:"transport_protocol"`
	DNSOverTLS        bool   `yaml:"dns_over_tls"`
	// Path is where a server of DNS over HTTPS answers.
	Path             string `yaml:"path"`
	RecursionDesired bool   `yaml:"recursion_desired"`
	// TCPFallback asks again over TCP when the answer over UDP is truncated;
	// blackbox_exporter never does.
	TCPFallback bool `yaml:"tcp_fallback"`

	// ValidRcodes are the codes of success, by name; none means NOERROR.
	ValidRcodes        []string         `yaml:"valid_rcodes"`
	ValidateAnswer     dnsRRConditions  `yaml:"validate_answer_rrs"`
	ValidateAuthority  dnsRRConditions  `yaml:"validate_authority_rrs"`
	ValidateAdditional dnsRRConditions  `yaml:"validate_additional_rrs"`
	TLSConfig          config.TLSConfig `yaml:"tls_config"`
	LegacyTLS          `yaml:",inline"`

	// configured reports whether there is a block of options, which must have a name.
	configured bool

	// made by validate
	query        []byte // in wire format, with ID 0
	rcodes       []int
	wantsSOA     bool
	defaultPort  uint16
	dialer       *dialer
	certificates *tlsSource
	useless      dnsUseless
}

// dnsUseless are options that cannot work. blackbox_exporter finds them when it
// comes to them in a probe, which fails then; so they are not faults but warnings.
type dnsUseless struct {
	transport, overTLS, query, rcodes error
	all                               []error // what to warn of
}

// newDNSProbe has the defaults of blackbox_exporter.
func newDNSProbe() spec {
	return &dnsProbe{
		Outbound:         Outbound{IPProtocolFallback: true},
		QueryType:        "ANY",
		QueryClass:       "IN",
		Path:             "/dns-query",
		RecursionDesired: true,
		TCPFallback:      true,
	}
}

// UnmarshalYAML notes that there is a block. A module without one asks for all
// records of the root, but a block without a name is a mistake.
func (p *dnsProbe) UnmarshalYAML(unmarshal func(any) error) error {
	type plain dnsProbe
	if err := unmarshal((*plain)(p)); err != nil {
		return err
	}
	p.configured = true
	return nil
}

// The values of transport_protocol.
const (
	dnsUDP   = "udp"
	dnsTCP   = "tcp"
	dnsHTTPS = "https"
)

// validate checks and completes the configuration.
func (p *dnsProbe) validate() error {
	var faults []error
	fault := func(path, format string, args ...any) {
		faults = append(faults, &FieldError{path, fmt.Sprintf(format, args...)})
	}
	p.completeTransport(fault)
	p.completeQuery(fault)
	p.completeRcodes()
	p.ValidateAnswer.complete("validate_answer_rrs", p.warn)
	p.ValidateAuthority.complete("validate_authority_rrs", p.warn)
	p.ValidateAdditional.complete("validate_additional_rrs", p.warn)
	if err := p.TLSConfig.Validate(); err != nil {
		fault("tls_config", "%s", err)
	}
	d, more := p.newDialer()
	faults = append(faults, more...)
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	p.dialer = d
	p.certificates = newTLSSource(p.TLSConfig, p.TLSLegacy)
	return nil
}

// warnings are the options that cannot work, or not as they look.
func (p *dnsProbe) warnings() []error { return append(p.Outbound.warnings(), p.useless.all...) }

// warn notes an option that cannot work. The error is that of the probes which
// come to it.
func (p *dnsProbe) warn(path, format string, args ...any) error {
	field := &FieldError{path, fmt.Sprintf(format, args...)}
	p.useless.all = append(p.useless.all, field)
	return &ownFault{field.Error()}
}

func (p *dnsProbe) completeTransport(fault func(path, format string, args ...any)) {
	if p.TransportProtocol == "" {
		p.TransportProtocol = dnsUDP
		if p.DNSOverTLS {
			p.TransportProtocol = dnsTCP
		}
	}
	p.defaultPort = 53
	switch p.TransportProtocol {
	case dnsUDP, dnsTCP:
	case dnsHTTPS:
		p.defaultPort = 443
		if _, err := url.Parse("https://host" + p.Path); err != nil || !strings.HasPrefix(p.Path, "/") {
			fault("path", "%q is not a valid URL path, such as /dns-query", p.Path)
		}
	default:
		p.useless.transport = p.warn("transport_protocol", "must be udp, tcp or https, not %q", p.TransportProtocol)
		return
	}
	if p.DNSOverTLS {
		p.defaultPort = 853
		if p.TransportProtocol != dnsTCP {
			p.useless.overTLS = p.warn("dns_over_tls", "needs transport_protocol: tcp, not %s", p.TransportProtocol)
		}
	}
}

func (p *dnsProbe) completeQuery(fault func(path, format string, args ...any)) {
	if p.QueryName == "" && p.configured {
		fault("query_name", "must be set")
	}
	qtype, ok := dns.StringToType[strings.ToUpper(cmp.Or(p.QueryType, "ANY"))]
	if !ok {
		fault("query_type", "%q is not a valid DNS record type", p.QueryType)
	}
	class, ok := dns.StringToClass[strings.ToUpper(cmp.Or(p.QueryClass, "IN"))]
	if !ok {
		fault("query_class", "%q is not a valid DNS record class", p.QueryClass)
	}
	p.wantsSOA = qtype == dns.TypeSOA
	query := dns.Msg{
		MsgHdr:   dns.MsgHdr{RecursionDesired: p.RecursionDesired},
		Question: []dns.Question{{Name: dns.Fqdn(asciiHost(p.QueryName)), Qtype: qtype, Qclass: class}},
	}
	var err error
	if p.query, err = query.Pack(); err != nil {
		p.useless.query = p.warn("query_name", "%q is not a valid DNS name: %s", p.QueryName, strings.TrimPrefix(err.Error(), "dns: "))
	}
}

func (p *dnsProbe) completeRcodes() {
	if len(p.ValidRcodes) == 0 {
		p.rcodes = []int{dns.RcodeSuccess}
	}
	for i, name := range p.ValidRcodes {
		code, ok := dns.StringToRcode[strings.ToUpper(name)]
		if !ok {
			p.useless.rcodes = p.warn(fmt.Sprintf("valid_rcodes[%d]", i), "%q is not a valid response code, such as NOERROR or NXDOMAIN", name)
		} else if !slices.Contains(p.rcodes, code) {
			p.rcodes = append(p.rcodes, code)
		}
	}
}
