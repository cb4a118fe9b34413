package probe

import (
	"cmp"
	"fmt"

	"github.com/health-exporter/health_exporter/checks"
	"github.com/health-exporter/health_exporter/prober"
)

// HTTPOptions are the options of HTTP. The zero value asks with GET and wants a
// status of 200 to 299.
type HTTPOptions struct {
	Method  string
	Headers map[string]string
	Body    string
	// StatusCodes are the codes of success, such as 204, 2xx or 200-399.
	StatusCodes []string
	// BodyMatches and BodyMatchesNot are regular expressions that the body must and
	// must not match; empty for none.
	BodyMatches, BodyMatchesNot string
}

// HTTP makes a check that asks a URL.
func HTTP(url string, opts HTTPOptions) (Probe, error) {
	for i, code := range opts.StatusCodes {
		if _, err := prober.ParseStatusRange(code); err != nil {
			return Probe{}, &checks.OptionError{Field: fmt.Sprintf("StatusCodes[%d]", i), Value: code, Allowed: "a code, class or range such as 200, 2xx, 200-399"}
		}
	}
	options := map[string]any{
		"Method": opts.Method, "Headers": opts.Headers, "Body": opts.Body, "ValidStatusCodes": opts.StatusCodes,
	}
	if opts.BodyMatches != "" {
		options["FailIfBodyNotMatches"] = []string{opts.BodyMatches}
	}
	if opts.BodyMatchesNot != "" {
		options["FailIfBodyMatches"] = []string{opts.BodyMatchesNot}
	}
	return newProbe("http", url, options)
}

// Health makes a check that asks a service for its health: the URL with /health
// appended. A body in health+json that warns is a warning.
func Health(url string) (Probe, error) { return newProbe("health", url, nil) }

// TCP makes a check that connects to host:port, with a TLS handshake if asked for.
func TCP(address string, tls bool) (Probe, error) {
	return newProbe("tcp", address, map[string]any{"TLS": tls})
}

// GRPCOptions are the options of GRPC.
type GRPCOptions struct {
	// Service is the one to ask for; empty means the server as a whole.
	Service string
	// TLS asks over TLS.
	TLS bool
}

// GRPC makes a check that asks host:port by the gRPC health checking protocol.
func GRPC(address string, opts GRPCOptions) (Probe, error) {
	return newProbe("grpc", address, map[string]any{"Service": opts.Service, "TLS": opts.TLS})
}

// DNSOptions are the options of DNS.
type DNSOptions struct {
	// Name is what to ask for. Required.
	Name string
	// Type is a type of record; default A.
	Type string
	// Transport is udp (the default), tcp or https.
	Transport string
	// Rcodes are the codes of success by name; default NOERROR.
	Rcodes []string
}

// DNS makes a check that asks a name server (host, or host:port) a question.
func DNS(server string, opts DNSOptions) (Probe, error) {
	if opts.Name == "" {
		return Probe{}, &checks.OptionError{Field: "Name", Value: "", Allowed: "a name in DNS"}
	}
	return newProbe("dns", server, map[string]any{
		"QueryName": opts.Name, "QueryType": cmp.Or(opts.Type, "A"), "TransportProtocol": opts.Transport, "ValidRcodes": opts.Rcodes,
	})
}
