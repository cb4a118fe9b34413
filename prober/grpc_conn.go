package prober

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"

	grpccreds "google.golang.org/grpc/credentials"
)

// grpcCredentials inform gRPC of the handshake that has been done already.
type grpcCredentials struct {
	grpccreds.TransportCredentials // of a connection without TLS

	state *tls.ConnectionState // nil without TLS
}

// ClientHandshake has nothing left to do.
func (c *grpcCredentials) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, grpccreds.AuthInfo, error) {
	if c.state == nil {
		return c.TransportCredentials.ClientHandshake(ctx, authority, conn)
	}
	return conn, grpccreds.TLSInfo{
		State:          *c.state,
		CommonAuthInfo: grpccreds.CommonAuthInfo{SecurityLevel: grpccreds.PrivacyAndIntegrity},
	}, nil
}

// Info makes gRPC ask for https, if that is what it is.
func (c *grpcCredentials) Info() grpccreds.ProtocolInfo {
	if c.state == nil {
		return c.TransportCredentials.Info()
	}
	return grpccreds.ProtocolInfo{SecurityProtocol: "tls"}
}

// Clone is the same again; there is nothing to change in it.
func (c *grpcCredentials) Clone() grpccreds.TransportCredentials { return c }

// maxGRPCBytes is the most that a peer may send for one call, whose answer is
// one number: settings, headers and all.
const maxGRPCBytes = 1 << 20

var errGRPCTalkative = fmt.Errorf("answer of more than %d MiB", maxGRPCBytes>>20)

// grpcConn is a connection that is used for one call and not replaced when it
// breaks. Its deadline is not gRPC's to move.
type grpcConn struct {
	fixedDeadline

	asked atomic.Int32 // how often it was asked for
	left  atomic.Int64 // bytes that may be read
	err   atomic.Pointer[error]
}

func newGRPCConn(conn net.Conn) *grpcConn {
	c := &grpcConn{fixedDeadline: fixedDeadline{conn}}
	c.left.Store(maxGRPCBytes)
	return c
}

// dial hands the connection out, once.
func (c *grpcConn) dial(context.Context, string) (net.Conn, error) {
	if c.asked.Add(1) > 1 {
		return nil, errors.New("one connection is all there is")
	}
	return c, nil
}

// sentAway reports whether the server has sent us away once it spoke HTTP/2: that is
// what makes gRPC ask for another connection.
func (c *grpcConn) sentAway() bool { return c.asked.Load() > 1 }

// broken is why the connection cannot be read any more.
func (c *grpcConn) broken() error {
	if err := c.err.Load(); err != nil {
		return *err
	}
	return nil
}

// hasRead reports whether the peer has said anything.
func (c *grpcConn) hasRead() bool { return c.left.Load() < maxGRPCBytes }

func (c *grpcConn) Read(b []byte) (int, error) {
	if c.left.Load() <= 0 {
		err := errGRPCTalkative
		c.err.CompareAndSwap(nil, &err)
		return 0, err
	}
	n, err := c.Conn.Read(b)
	c.left.Add(-int64(n))
	if err != nil && !errors.Is(err, net.ErrClosed) { // by ourselves
		c.err.CompareAndSwap(nil, &err)
	}
	return n, err
}

// Write leaves it to Read to find that the peer has hung up: what it said
// before may tell why.
func (c *grpcConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return len(b), nil
	}
	return n, err
}
