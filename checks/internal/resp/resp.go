// Package resp is a small client of Redis: it asks and reads replies, one after the
// other, in RESP 2. It trusts no server to be one.
package resp

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Options say where a server is and how to log in.
type Options struct {
	// Address is host:port, or the path of a Unix socket.
	Address string
	// Username and Password are sent if there is a password.
	Username, Password string
	// Database is selected if it is not 0.
	Database int
	// TLS, if set, is how to speak TLS; its ServerName may be empty.
	TLS *tls.Config
}

// Conn is a connection to a server, for one goroutine.
type Conn struct {
	conn net.Conn
	r    *bufio.Reader
	stop func() bool // no longer ends the connection with its context
	ctx  context.Context
}

// Error is a reply of the server that refuses.
type Error string

// Error is what the server says.
func (e Error) Error() string { return string(e) }

// DialError is why there is no connection.
type DialError struct{ Err error }

func (e *DialError) Error() string { return e.Err.Error() }
func (e *DialError) Unwrap() error { return e.Err }

// Says is what a check has to say of an error, as far as everybody may know.
func Says(err error) string {
	if _, ok := errors.AsType[*DialError](err); !ok {
		return "cannot connect to redis server"
	}
	says := "Error connecting to the backend: " + err.Error()
	if errors.Is(err, syscall.ECONNREFUSED) {
		says += " Check that the Redis server is running."
	}
	return says
}

// Dial connects and logs in. The connection ends with ctx.
func Dial(ctx context.Context, opts Options) (*Conn, error) {
	network := "tcp"
	if strings.HasPrefix(opts.Address, "/") {
		network = "unix"
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, opts.Address)
	if err != nil {
		return nil, &DialError{err}
	}
	if opts.TLS != nil {
		config := opts.TLS.Clone()
		if host, _, err := net.SplitHostPort(opts.Address); err == nil {
			config.ServerName = cmp.Or(config.ServerName, host)
		}
		conn = tls.Client(conn, config)
	}
	c := &Conn{conn: conn, r: bufio.NewReader(conn), ctx: ctx}
	c.stop = context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	if err := c.introduce(opts); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Conn) introduce(opts Options) error {
	if opts.Password != "" {
		args := []string{"AUTH", opts.Password}
		if opts.Username != "" {
			args = []string{"AUTH", opts.Username, opts.Password}
		}
		if _, err := c.Do(args...); err != nil {
			return fmt.Errorf("authenticating: %w", err)
		}
	}
	if opts.Database != 0 {
		if _, err := c.Do("SELECT", strconv.Itoa(opts.Database)); err != nil {
			return fmt.Errorf("selecting database %d: %w", opts.Database, err)
		}
	}
	return nil
}

// Close ends the connection.
func (c *Conn) Close() {
	c.stop()
	_ = c.conn.Close() // nothing is lost with it
}

// Do sends a command and reads its reply: a string, an int64, a list of those, or
// nil. A reply that refuses is an Error.
func (c *Conn) Do(args ...string) (any, error) {
	if err := c.Send(args...); err != nil {
		return nil, err
	}
	return c.Receive()
}

// Send sends a command.
func (c *Conn) Send(args ...string) error {
	b := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, arg := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	_, err := c.conn.Write(b)
	return c.because(err)
}

// Receive reads one reply.
func (c *Conn) Receive() (any, error) {
	left := maxReply
	reply, err := read(c.r, &left, 0)
	if err != nil {
		return nil, c.because(err)
	}
	if refusal, ok := reply.(Error); ok {
		return nil, refusal
	}
	return reply, nil
}

// because names the context's end as the cause of an error that it has caused.
func (c *Conn) because(err error) error {
	if err != nil && c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	return err
}

const (
	maxReply = 4 << 20 // bytes
	maxDepth = 8       // lists in lists
)

var errNoRESP = errors.New("the server does not speak RESP")

// read reads one reply, refusals in lists as they are. left is how many bytes it may
// still have.
func read(r *bufio.Reader, left *int, depth int) (any, error) {
	line, err := readLine(r, left)
	if err != nil {
		return nil, err
	}
	kind, rest := line[0], line[1:]
	switch kind {
	case '+':
		return rest, nil
	case '-':
		return Error(rest), nil
	}
	n, err := strconv.ParseInt(rest, 10, 64)
	if err != nil {
		return nil, errNoRESP
	}
	switch {
	case kind == ':':
		return n, nil
	case kind != '$' && kind != '*' || n < -1 || depth > maxDepth:
		return nil, errNoRESP
	case n == -1:
		return nil, nil
	case n > int64(*left):
		return nil, errors.New("the reply is too long")
	case kind == '$':
		return readBulk(r, left, int(n))
	}
	var list []any
	for range n {
		element, err := read(r, left, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, element)
	}
	return list, nil
}

// readLine reads a line, which has one byte at least, without its end.
func readLine(r *bufio.Reader, left *int) (string, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", errNoRESP
	}
	if err != nil {
		return "", noEnd(err)
	}
	if *left -= len(line); *left < 0 {
		return "", errors.New("the reply is too long")
	}
	text, ok := strings.CutSuffix(string(line), "\r\n")
	if !ok || text == "" {
		return "", errNoRESP
	}
	return text, nil
}

func readBulk(r *bufio.Reader, left *int, n int) (any, error) {
	*left -= n + 2
	b := make([]byte, n+2)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, noEnd(err)
	}
	if string(b[n:]) != "\r\n" {
		return nil, errNoRESP
	}
	return string(b[:n]), nil
}

// noEnd turns an end in the middle of a reply into an unexpected one.
func noEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
