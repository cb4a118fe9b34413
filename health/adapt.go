package health

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// FromBool makes the function of a Check from one that returns whether it passed, and its
// output: any value that can be encoded as JSON.
func FromBool[T any](check func(context.Context) (passed bool, output T)) func(context.Context) error {
	return func(ctx context.Context) error {
		passed, output := check(ctx)
		Say(ctx, output)
		if passed {
			return nil
		}
		return errors.New(fmt.Sprint(output))
	}
}

// pinger is the method that *sql.DB and the clients of many databases have.
type pinger interface {
	PingContext(ctx context.Context) error
}

// FromPing makes the function of a Check from anything that can be pinged, such as a
// *sql.DB.
func FromPing(p pinger) func(context.Context) error { return p.PingContext }

// FromHandler makes the function of a Check from an http.Handler, which is called with the
// path, without a network in between. It passes if the status of the answer is below 400.
func FromHandler(h http.Handler, path string) func(context.Context) error {
	return func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, path, nil)
		if err != nil {
			return err
		}
		r.RequestURI = path
		answer := &statusOnly{header: http.Header{}}
		h.ServeHTTP(answer, r)
		if answer.code >= http.StatusBadRequest {
			return fmt.Errorf("status %d", answer.code)
		}
		return nil
	}
}

// statusOnly is an http.ResponseWriter that keeps the status and drops the rest.
type statusOnly struct {
	header http.Header
	code   int
}

func (s *statusOnly) Header() http.Header { return s.header }

func (s *statusOnly) WriteHeader(code int) {
	if s.code == 0 && code >= http.StatusOK {
		s.code = code
	}
}

func (s *statusOnly) Write(b []byte) (int, error) {
	s.WriteHeader(http.StatusOK)
	return len(b), nil
}
