package prober

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
)

// dnsMediaType is the type of DNS messages over HTTP (RFC 8484).
const dnsMediaType = "application/dns-message"

// askHTTPS posts the question over the connection that is open already.
func (r *dnsRun) askHTTPS(ctx context.Context, conn net.Conn, query []byte) (wire []byte, err error) {
	req, err := r.dnsPost(r.tries.begin(ctx), query)
	if err != nil {
		return nil, because(ReasonInternal, err)
	}
	transport := overHTTP(conn, r.tries)
	defer transport.CloseIdleConnections()
	defer r.tries.end()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, r.tries.explain(err)
	}
	defer resp.Body.Close()
	r.statusCode = resp.StatusCode
	if resp.StatusCode != http.StatusOK {
		return nil, because(ReasonStatus, errors.New(wrongStatus(resp.StatusCode, StatusCodes{{200, 200}})))
	}
	if got, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(got), dnsMediaType) {
		return nil, because(ReasonBody, fmt.Errorf("answer of type %q, want %s", oneLine(got), dnsMediaType))
	}
	return readDNSBody(resp.Body)
}

// dnsPost is the request that carries a query.
func (r *dnsRun) dnsPost(ctx context.Context, query []byte) (*http.Request, error) {
	host := net.JoinHostPort(plainHost(r.host), strconv.Itoa(int(r.port)))
	if r.port == 443 {
		host = strings.TrimSuffix(host, ":443")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+host+r.Path, bytes.NewReader(query))
	if err != nil {
		return nil, err
	}
	tidyURL(req.URL)
	req.Header.Set("Content-Type", dnsMediaType)
	req.Header.Set("Accept", dnsMediaType)
	req.Header.Set("User-Agent", cmp.Or(r.agent, userAgent()))
	return req, nil
}

// readDNSBody reads a message, which has a limit to its length.
func readDNSBody(body io.Reader) ([]byte, error) {
	wire, err := io.ReadAll(io.LimitReader(body, maxDNSMessage+1))
	if err == nil && len(wire) > maxDNSMessage {
		err = because(ReasonBody, fmt.Errorf("answer is larger than %d bytes", maxDNSMessage))
	}
	return wire, err
}

// overHTTP speaks HTTP/1.1 or HTTP/2, whatever was agreed on, over just this
// connection.
func overHTTP(conn net.Conn, tries *tries) *http.Transport {
	var taken atomic.Bool
	transport := &http.Transport{
		DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
			if taken.Swap(true) { // net/http would like to try once more
				if tries.streams.Load() > 0 {
					return nil, errSentAway
				}
				return nil, io.ErrUnexpectedEOF
			}
			return conn, nil
		},
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeaderBytes,
		Protocols:              new(http.Protocols),
	}
	transport.Protocols.SetHTTP1(true)
	transport.Protocols.SetHTTP2(true)
	return transport
}
