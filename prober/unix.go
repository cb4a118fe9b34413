package prober

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
)

// unixProbe connects to a Unix domain socket and holds a dialogue. The target is
// the path of the socket; @name is an abstract one on Linux. Its keys, defaults
// and metrics are those of blackbox_exporter.
//
// The network policy has nothing to say about paths, but that they are not for other
// hosts. Whether clients may name one for a probe is decided by the operator by
// configuring a module of this kind; no module of this kind is built in.
type unixProbe struct {
	Dialogue `yaml:",inline"`
}

const needsServerName = "is needed to verify the certificate of a socket"

func newUnixProbe() spec { return &unixProbe{} }

// validate checks and completes the configuration.
func (p *unixProbe) validate() error { return errors.Join(p.prepare()...) }

func (p *unixProbe) warnings() []error {
	list := p.Dialogue.warnings()
	if p.secured() && p.TLSConfig.ServerName == "" && !p.TLSConfig.InsecureSkipVerify {
		list = append(list, &FieldError{"tls_config.server_name", needsServerName})
	}
	return list
}

// probe passes if the connection, the handshake and the dialogue succeed.
func (p *unixProbe) probe(ctx context.Context, req Request) Result {
	limit := timeLimit(ctx)
	t := &dialogueRun{Dialogue: &p.Dialogue, req: &req, config: p.tlsConfig, phase: PhaseConnect}
	conn, err := dialSocket(ctx, req.Network, req.Target)
	if err == nil {
		if t.logs() {
			t.req.Debug("connected")
		}
		err = t.run(ctx, conn)
	}
	return t.result(ctx, limit, err, nil)
}

func dialSocket(ctx context.Context, policy *NetworkPolicy, path string) (net.Conn, error) {
	if err := policy.CheckSocket(path); err != nil {
		return nil, err
	}
	return new(net.Dialer).DialContext(ctx, "unix", path)
}

// tlsConfig has no name to ask for but the one that is configured: a path is
// none, and no certificate is issued for one.
func (p *unixProbe) tlsConfig() (*tls.Config, error) {
	c, err := p.certificates.config("")
	if err == nil && c.ServerName == "" && !c.InsecureSkipVerify {
		return nil, because(ReasonTLS, errors.New("tls_config.server_name "+needsServerName))
	}
	return c, err
}
