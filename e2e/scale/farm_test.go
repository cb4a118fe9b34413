package scale

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
)

// hosts is how many addresses the farm has: each has ports of its own for connections that
// have ended, of which a minute's worth is remembered.
const hosts = 64

// farm plays targets that are well, all on one port of many addresses.
type farm struct {
	port     int
	answered atomic.Int64
}

func startFarm(t *testing.T) *farm {
	t.Helper()
	f := &farm{}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		f.answered.Add(1)
		_, _ = io.WriteString(w, "ok")
	})}
	t.Cleanup(func() { _ = server.Close() })
	for i := range hosts {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.2.%d:%d", i+1, f.port))
		if err != nil {
			t.Fatal(err)
		}
		f.port = l.Addr().(*net.TCPAddr).Port
		go func() { _ = server.Serve(l) }()
	}
	return f
}

// url is that of a target.
func (f *farm) url(i int) string { return fmt.Sprintf("http://127.0.2.%d:%d/%d", i%hosts+1, f.port, i) }
