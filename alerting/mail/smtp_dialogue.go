package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"
)

// dialogue is a connection to a mail server. It belongs to one goroutine.
type dialogue struct {
	smtp    *SMTP
	ctx     context.Context // of the call that the dialogue is a part of
	conn    *stepConn
	client  *smtp.Client
	mask    *strings.Replacer
	release func() bool
	// encrypted reports whether the connection is encrypted.
	encrypted bool
	// unfinished reports whether a mail was begun and not ended.
	unfinished bool
}

// stepConn bounds how much is read in a step: a server could talk faster than its time
// runs out.
type stepConn struct {
	net.Conn
	left int
}

// stepBytes is enough for any answer, and for a handshake with many certificates.
const stepBytes = 256 << 10

func (c *stepConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooMuch
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// open connects, encrypts and logs in. Close must be called if it succeeds.
func (s *SMTP) open(ctx context.Context) (*dialogue, *SendError) {
	d := &dialogue{smtp: s, ctx: ctx, mask: masking("", ""), release: func() bool { return true }}
	for _, stage := range []func() *SendError{d.connect, d.greet, d.encrypt, d.login} {
		if err := stage(); err != nil {
			d.close()
			return nil, err
		}
	}
	return d, nil
}

func (d *dialogue) connect() *SendError {
	ctx, cancel := context.WithTimeout(d.ctx, d.smtp.limits().connect)
	defer cancel()
	d.say("-- connecting to %s", d.smtp.address())
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", d.smtp.address())
	if err != nil {
		return d.failed(explain(d.ctx, ReasonConnect, unreached(err), d.mask))
	}
	d.conn = &stepConn{Conn: conn}
	// Whatever the dialogue waits for when the call is given up ends at once.
	d.release = context.AfterFunc(d.ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	d.say("-- connected to %s", conn.RemoteAddr())
	return nil
}

// unreached is why there is no connection. It must not look like one that was lost.
func unreached(err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return err
	}
	return errors.New(err.Error())
}

// greet waits for the greeting, over TLS if it is implicit, and answers it.
func (d *dialogue) greet() *SendError {
	var conn net.Conn = d.conn
	if d.smtp.TLS == ImplicitTLS {
		secure := tls.Client(conn, d.smtp.tlsConfig())
		if err := d.within(d.smtp.limits().connect, ReasonTLS, func() error { return secure.HandshakeContext(d.ctx) }); err != nil {
			return err
		}
		d.encrypted, conn = true, secure
		d.say("-- encrypted with %s", tls.VersionName(secure.ConnectionState().Version))
	}
	err := d.step(ReasonConnect, func() (err error) {
		d.client, err = smtp.NewClient(conn, d.smtp.Host)
		return err
	})
	if err != nil {
		return err
	}
	if d.smtp.Debug != nil {
		d.client.SetLogger(dialogueLog{d})
		d.client.SetDebugLog(true)
	}
	d.client.SkipSMTPUTF8(true) // nothing here needs it
	hello := d.smtp.Hello
	if hello == "" {
		hello = "localhost"
	}
	return d.step(ReasonProtocol, func() error { return d.client.Hello(hello) })
}

// encrypt turns to TLS in the middle of the dialogue, if that is the way.
func (d *dialogue) encrypt() *SendError {
	if d.smtp.TLS == ImplicitTLS || d.smtp.TLS == NoTLS {
		return nil
	}
	if ok, _ := d.client.Extension("STARTTLS"); !ok {
		return d.failed(&SendError{Temporary: true, Reason: ReasonTLS, Text: "the server does not offer STARTTLS"})
	}
	if err := d.step(ReasonTLS, func() error { return d.client.StartTLS(d.smtp.tlsConfig()) }); err != nil {
		return err
	}
	d.encrypted = true
	if state, ok := d.client.TLSConnectionState(); ok {
		d.say("-- encrypted with %s", tls.VersionName(state.Version))
	}
	return nil
}

// step does one step of the dialogue in its time.
func (d *dialogue) step(reason SendReason, do func() error) *SendError {
	return d.within(d.smtp.limits().command, reason, do)
}

func (d *dialogue) within(limit time.Duration, reason SendReason, do func() error) *SendError {
	d.conn.left = stepBytes
	_ = d.conn.SetDeadline(time.Now().Add(limit)) // fails only if the connection has, which the step finds out
	if d.ctx.Err() != nil {
		_ = d.conn.SetDeadline(time.Unix(1, 0)) // it was over before the deadline was set
	}
	err := do()
	if err == nil {
		return nil
	}
	return d.failed(explain(d.ctx, reason, err, d.mask))
}

// quit takes leave. By then everything is settled, so nothing depends on an answer.
func (d *dialogue) quit() {
	_ = d.conn.SetDeadline(time.Now().Add(time.Second))
	_ = d.client.Quit()
}

func (d *dialogue) close() {
	d.release()
	if d.conn != nil {
		_ = d.conn.Close() // it has done its work, or failed
	}
}
