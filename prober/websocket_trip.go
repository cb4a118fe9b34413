package prober

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
)

// upgradeTrip makes one request over a connection that is open already, and
// gives the connection away as the body of the answer.
type upgradeTrip struct {
	conn   net.Conn
	status int
	body   *upgradedBody // of a good answer
	err    error         // of the connection
}

// RoundTrip sends the request and reads the header of the answer.
func (t *upgradeTrip) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.exchange(req)
	if err != nil {
		t.err = err
		return nil, err
	}
	t.status = resp.StatusCode
	return resp, nil
}

func (t *upgradeTrip) exchange(req *http.Request) (*http.Response, error) {
	if err := req.Write(t.conn); err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		return nil, err
	} // else the answer, if there is one, says more
	limited := &meter{from: t.conn, left: maxHeaderBytes, over: errHeaderTooLarge}
	reader := bufio.NewReaderSize(limited, 4<<10)
	resp, err := readResponse(reader)
	switch {
	case err == nil:
	case limited.read == 0 && isEOF(err):
		return nil, io.EOF
	case isTimeout(err), isEOF(err), isNet(err), errors.Is(err, errHeaderTooLarge):
		return nil, err
	default:
		return nil, because(ReasonBody, fmt.Errorf("no answer in HTTP: %w", err))
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		resp.Body = http.NoBody // nobody will read it
		return resp, nil
	}
	limited.left, limited.over = maxDialogueBytes, errTooMuch
	t.body = &upgradedBody{Conn: t.conn, reader: reader}
	resp.Body = t.body
	return resp, nil
}

// upgradedBody is a connection of which something was read ahead. It seems empty
// until it is open: nobody shall wait for the body of an answer that is no good.
type upgradedBody struct {
	net.Conn
	reader io.Reader
	open   bool
}

func (b *upgradedBody) Read(p []byte) (int, error) {
	if !b.open {
		return 0, io.EOF
	}
	return b.reader.Read(p)
}
