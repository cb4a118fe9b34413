package amqp_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/health-exporter/health_exporter/checks/amqp"
	"github.com/health-exporter/health_exporter/internal/testport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFaults(t *testing.T) {
	err := amqp.Queue{URL: "http://me:secret@host", MinConsumers: -1, MaxDepth: -1, WarnDepth: -1}.Run(t.Context())
	for _, part := range []string{
		`URL is "http:…", must be a URL such as amqp://`, "MinConsumers is -1, must be 0 or more",
		"MaxDepth is -1", "WarnDepth is -1", `Name is "", must be set with`,
	} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in:\n%v", part, err)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("a password is in:\n%v", err)
	}
}

func TestNoBroker(t *testing.T) {
	l := testport.Listen(t)
	queue := amqp.Queue{URL: "amqp://me:secret@" + l.Addr().String() + "/"}
	// It accepts, and says nothing.
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := queue.Run(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 5*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
	l.Close()
	if err := queue.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "connecting to the broker: ") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	ctx, cancel = context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	queue.URL = "amqp://" + server.Listener.Addr().String()
	if err := queue.Run(ctx); err == nil {
		t.Error("a web server is a broker")
	}
}
