// Package grpchealth serves the checks of a health.Checker as the standard health
// service of gRPC (grpc.health.v1). It is a package of its own so that package
// health needs nothing but the standard library.
//
//	grpchealth.Register(server, &grpchealth.Server{Checker: checker})
package grpchealth

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/health-exporter/health_exporter/health"
)

// Server answers for a Checker. The service "" is the group Ready; any other name is
// a check, or a group. Only Checker is required.
type Server struct {
	healthpb.UnimplementedHealthServer

	Checker *health.Checker
	// Budget is how long a call waits for checks; default health.DefaultBudget.
	Budget time.Duration
	// Poll is how often Watch looks; default DefaultPoll.
	Poll time.Duration
}

// DefaultPoll is how often Watch looks whether a status has changed.
const DefaultPoll = time.Second

// maxListed is how many services List names, as many as grpc-go's own.
const maxListed = 100

// Register registers the service.
func Register(r grpc.ServiceRegistrar, s *Server) { healthpb.RegisterHealthServer(r, s) }

// Check returns the status of one service; the error is NotFound if the name is unknown.
func (s *Server) Check(ctx context.Context, req *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	serving, ok := s.serving(ctx, req.GetService())
	if !ok {
		return nil, status.Error(codes.NotFound, "unknown service")
	}
	return &healthpb.HealthCheckResponse{Status: serving}, nil
}

// List returns the status of all services, at most a hundred.
func (s *Server) List(ctx context.Context, _ *healthpb.HealthListRequest) (*healthpb.HealthListResponse, error) {
	names := append([]string{"", health.Live, health.Ready, health.Startup}, s.Checker.Names()...)
	if len(names) > maxListed {
		return nil, status.Errorf(codes.ResourceExhausted, "there are more than %d services", maxListed)
	}
	statuses := make(map[string]*healthpb.HealthCheckResponse, len(names))
	for _, name := range names {
		if serving, ok := s.serving(ctx, name); ok {
			statuses[name] = &healthpb.HealthCheckResponse{Status: serving}
		}
	}
	return &healthpb.HealthListResponse{Statuses: statuses}, nil
}

// Watch sends the status of one service now and whenever its status changes, until the
// caller goes away. An unknown service is SERVICE_UNKNOWN.
func (s *Server) Watch(req *healthpb.HealthCheckRequest, stream grpc.ServerStreamingServer[healthpb.HealthCheckResponse]) error {
	poll := s.Poll
	if poll <= 0 {
		poll = DefaultPoll
	}
	tick := time.NewTicker(poll)
	defer tick.Stop()
	last := healthpb.HealthCheckResponse_ServingStatus(-1)
	for {
		serving, ok := s.serving(stream.Context(), req.GetService())
		if !ok {
			serving = healthpb.HealthCheckResponse_SERVICE_UNKNOWN
		}
		if serving != last {
			if err := stream.Send(&healthpb.HealthCheckResponse{Status: serving}); err != nil {
				return err
			}
			last = serving
		}
		select {
		case <-stream.Context().Done():
			return status.FromContextError(stream.Context().Err()).Err()
		case <-tick.C:
		}
	}
}

// serving runs what has expired and returns the status of a service. Unknown is not serving.
func (s *Server) serving(ctx context.Context, service string) (_ healthpb.HealthCheckResponse_ServingStatus, ok bool) {
	budget := s.Budget
	if budget <= 0 {
		budget = health.DefaultBudget
	}
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	var outcome health.Outcome
	if one, isCheck := s.Checker.CheckOne(ctx, service); isCheck {
		outcome = health.Whole([]*health.Status{one}, "")
	} else {
		group := service
		if group == "" {
			group = health.Ready
		}
		if outcome, ok = s.Checker.Group(ctx, group); !ok {
			return 0, false
		}
	}
	if outcome == health.Fail {
		return healthpb.HealthCheckResponse_NOT_SERVING, true
	}
	return healthpb.HealthCheckResponse_SERVING, true
}
