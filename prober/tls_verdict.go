package prober

import (
	"context"
	"crypto/tls"
	"errors"
	"time"
)

// verdictPatience is how long a server has to refuse a certificate. It does so within
// a round trip, if at all.
const verdictPatience = time.Second

// certificateVerdict is what a server makes of our certificate. With TLS 1.3 the
// handshake is over before it has looked at one, or has missed it: whoever says
// nothing after it would take a refusal for success.
type certificateVerdict struct {
	wanted   bool // the server has asked for a certificate
	accepted bool
	conn     *tls.Conn // once the handshake is done
}

// watchVerdict makes a connection note what await needs to know.
func watchVerdict(c *tls.Config) *certificateVerdict {
	v := &certificateVerdict{}
	choose := c.GetClientCertificate
	c.GetClientCertificate = func(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		v.wanted = true
		if choose == nil {
			return &tls.Certificate{}, nil // which is to say: none
		}
		return choose(request)
	}
	c.ClientSessionCache = ticketWatch{v}
	return v
}

// await waits until the server has refused or accepted us, if it has asked for a
// certificate. One that does neither in time has accepted.
func (v *certificateVerdict) await(ctx context.Context, conn *tls.Conn) error {
	if v == nil || !v.wanted || conn.ConnectionState().Version < tls.VersionTLS13 {
		return nil
	}
	v.conn = conn
	patience := verdictPatience
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(deadline)/2)
	}
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	n, err := conn.Read(make([]byte, 1))
	switch {
	case n > 0, v.accepted, isTimeout(err):
		return nil
	case isTLS(err):
		return because(ReasonTLS, err)
	}
	return because(ReasonTLS, errors.New("connection closed after the handshake, by a server that wants a client certificate"))
}

// ticketWatch is a cache of sessions that keeps none. That the server gives one away
// means that it has accepted us.
type ticketWatch struct{ *certificateVerdict }

// Get finds nothing.
func (ticketWatch) Get(string) (*tls.ClientSessionState, bool) { return nil, false }

// Put ends the waiting, if there is any.
func (w ticketWatch) Put(_ string, session *tls.ClientSessionState) {
	if session != nil {
		w.accepted = true
	}
	if w.conn != nil {
		_ = w.conn.SetReadDeadline(longAgo)
	}
}
