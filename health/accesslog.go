package health

import (
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// AccessLog is a handler that logs the requests to another one, except the many by
// which others see that all is well. Handler is required.
type AccessLog struct {
	Handler http.Handler
	// Log receives one line for each request. nil discards.
	Log *slog.Logger
	// Level is that of the lines; the zero value is slog.LevelInfo.
	Level slog.Level
	// Quiet are prefixes of paths, such as /healthz: what is below one of them (and the
	// path itself, if the prefix has no slash at its end) is logged only if the answer's
	// status is not 200.
	Quiet []string
}

// ServeHTTP serves and logs.
func (a *AccessLog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.Log == nil || !a.Log.Enabled(r.Context(), a.Level) {
		a.Handler.ServeHTTP(w, r)
		return
	}
	began := time.Now()
	seen := &statusWriter{ResponseWriter: w}
	defer func() { // so that a request whose handler panics is logged, too
		if status := seen.code(); !a.quiet(r.URL.Path, status) {
			a.Log.Log(r.Context(), a.Level, "request", "method", r.Method, "path", r.URL.Path, "status", status,
				"duration", time.Since(began), "from", r.RemoteAddr)
		}
	}()
	a.Handler.ServeHTTP(seen, r)
}

func (a *AccessLog) quiet(path string, status int) bool {
	if status != http.StatusOK {
		return false
	}
	for _, prefix := range a.Quiet {
		below := strings.TrimSuffix(prefix, "/") + "/"
		if strings.HasPrefix(path, below) || path == prefix {
			return true
		}
	}
	return false
}

// statusWriter notes the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// code is the status; a handler that says nothing means 200.
func (w *statusWriter) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}
