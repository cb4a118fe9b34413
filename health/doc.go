// Package health lets a program say whether it is well, and judges whether others
// are.
//
// # Checks
//
// A [Check] is a function that returns an error, with a name. A [Checker] runs
// checks: on demand with a cache, or in the background at an interval; never the same
// one twice at a time, each with a timeout, and so that a check which hangs or
// panics affects no other. Results are returned at once, and one that is too old counts
// as unknown, never as good.
//
//	checker, err := health.New(
//		health.Check{Name: "database", Run: health.FromPing(db), Remote: true},
//		health.Check{Name: "queue", Run: queue, Interval: 10 * time.Second},
//	)
//
// # Endpoints
//
// The handlers show a Checker as others expect it; each can be mounted on any mux:
// [Group] as Kubernetes does (/livez, /readyz, /startupz), [ReportHandler] as
// application/health+json (/health), [Healthcheck] as the Python package healthcheck,
// [Healthz] as Flask-Healthz. The package health/grpchealth has the health service of
// gRPC. The output of checks is shown only to clients that Details allows. [Serve] runs a
// server and shuts it down gracefully.
//
// # States
//
// A [State] is a debounced verdict: it takes several failures in a row to become
// UNHEALTHY, and several passes to become HEALTHY again. [State.Next] is the whole
// machine. A [Report] is what a program says of itself in health+json; [ParseReport]
// reads those of others.
//
// The package is meant to be linked into other people's programs, so it imports the
// standard library only.
package health
