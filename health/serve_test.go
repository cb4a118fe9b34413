package health

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestServeCutShort: a server that is closed while it drains ends at once.
func TestServeCutShort(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	checker, server := &Checker{}, &http.Server{Addr: "127.0.0.1:0"}
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, server, checker, time.Hour) }()
	cancel()
	for !checker.Draining() {
		select {
		case err := <-ended:
			t.Fatalf("it ended before it drained: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	server.Close()
	select {
	case err := <-ended:
		if err != nil && !strings.Contains(err.Error(), http.ErrServerClosed.Error()) {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it still drains 10 s after its server was closed")
	}
}
