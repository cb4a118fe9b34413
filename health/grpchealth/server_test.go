package grpchealth

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/health-exporter/health_exporter/health"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve serves a Checker on a free port.
func serve(t *testing.T, checks ...health.Check) (*health.Checker, healthpb.HealthClient) {
	t.Helper()
	checker, err := health.New(checks...)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	Register(server, &Server{Checker: checker, Poll: 10 * time.Millisecond})
	ended := make(chan error)
	go func() { ended <- server.Serve(l) }()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		server.Stop()
		<-ended
		if err := checker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return checker, healthpb.NewHealthClient(conn)
}

func TestCheckAndList(t *testing.T) {
	checker, client := serve(t,
		health.Check{Name: "ping", Run: func(context.Context) error { return nil }, Groups: []string{health.Live, health.Ready}},
		health.Check{Name: "cache", Severity: health.WarningOnly, Run: func(context.Context) error { return errors.New("cold") }, Groups: []string{"extra"}},
		health.Check{Name: "db", Run: func(context.Context) error { return errors.New("gone") }, Groups: []string{"extra"}})
	want := map[string]healthpb.HealthCheckResponse_ServingStatus{
		"": 1, "live": 1, "ready": 1, "startup": 1, "ping": 1, "cache": 1, "db": 2,
	}
	list, err := client.List(t.Context(), &healthpb.HealthListRequest{})
	if err != nil || len(list.Statuses) != len(want) {
		t.Fatalf("%v %v", list, err)
	}
	for service, status := range want {
		got, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
		if err != nil || got.Status != status || list.Statuses[service].Status != status {
			t.Errorf("%q: %v, listed %v, %v", service, got, list.Statuses[service], err)
		}
	}
	if got, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: "extra"}); err != nil || got.Status != 2 {
		t.Errorf("the group: %v %v", got, err)
	}
	if _, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: "nope"}); status.Code(err) != codes.NotFound {
		t.Errorf("an unknown service: %v", err)
	}
	checker.Drain()
	if got, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil || got.Status != 2 {
		t.Errorf("while it ends: %v %v", got, err)
	}
}

func TestWatch(t *testing.T) {
	var down atomic.Bool
	_, client := serve(t, health.Check{Name: "db", PassTTL: -1, FailTTL: -1, Run: func(context.Context) error {
		if down.Load() {
			return errors.New("gone")
		}
		return nil
	}})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := client.Watch(ctx, &healthpb.HealthCheckRequest{Service: "db"})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []healthpb.HealthCheckResponse_ServingStatus{1, 2, 1} {
		if got, err := stream.Recv(); err != nil || got.Status != want {
			t.Fatalf("change %d: %v %v", i, got, err)
		}
		down.Store(i == 0)
	}
	unknown, err := client.Watch(ctx, &healthpb.HealthCheckRequest{Service: "nope"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := unknown.Recv(); err != nil || got.Status != healthpb.HealthCheckResponse_SERVICE_UNKNOWN {
		t.Errorf("%v %v", got, err)
	}
	cancel()
	for err == nil {
		_, err = stream.Recv()
	}
	for err = nil; err == nil; {
		_, err = unknown.Recv()
	}
}
