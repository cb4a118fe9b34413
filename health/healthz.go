package health

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Healthz is a handler that answers as Flask-Healthz does: GET …/name reports one check, or
// a group, in a small problem+json. The name is the last segment of the path, so it can be
// mounted anywhere. Only Checker is required.
type Healthz struct {
	Checker *Checker
	// Names maps the names in the URL to checks or groups. nil means that each check
	// and each group goes by its own name.
	Names map[string]string
	// Details decides who may see why something failed; nil means nobody.
	Details func(*http.Request) bool
	// Budget is how long a request waits for checks; default DefaultBudget.
	Budget time.Duration
}

// healthzBody is the answer. Its members keep this order.
type healthzBody struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
}

// ServeHTTP answers 200 if the check passed, 503 if not, 404 if there is no such name, and
// 500 if the name stands for a check that does not exist or has panicked.
func (h *Healthz) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !readOnly(w, r) {
		return
	}
	code, title := h.answer(r)
	body, err := json.Marshal(healthzBody{code, title})
	if err != nil {
		panic(err) // a number and a string
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(body) // a client that is gone needs no answer
}

func (h *Healthz) answer(r *http.Request) (code int, title string) {
	path := r.URL.Path
	asked := path[strings.LastIndexByte(path, '/')+1:]
	name, ok := asked, true
	if h.Names != nil {
		name, ok = h.Names[asked]
	}
	if asked == "" || !ok {
		return http.StatusNotFound, notSetUp(asked)
	}
	ctx, cancel := within(r, h.Budget)
	defer cancel()
	one, isCheck := h.Checker.CheckOne(ctx, name)
	switch {
	case isCheck:
		return outcomeAnswer(asked, one, allowed(h.Details, r))
	case h.Checker.HasGroup(name) || isStandardGroup(name):
	case h.Names != nil:
		return http.StatusInternalServerError, fmt.Sprintf("The %s check function could not be imported", asked)
	default:
		return http.StatusNotFound, notSetUp(asked)
	}
	list, outcome := h.Checker.group(ctx, name)
	if outcome != Fail {
		return http.StatusOK, "OK"
	}
	if h.Checker.Draining() && name == Ready {
		return http.StatusServiceUnavailable, "shutting down"
	}
	for _, s := range list {
		if s.Check.Severity == Critical && (s.Result.Outcome == Fail || s.Result.Outcome == Reset) {
			return outcomeAnswer(s.Check.Name, s, allowed(h.Details, r) && !s.Check.Hidden)
		}
	}
	return http.StatusServiceUnavailable, withheld
}

func notSetUp(name string) string {
	return fmt.Sprintf("The %s check endpoint is not setup", name)
}

// outcomeAnswer is the answer for one check.
func outcomeAnswer(name string, s *Status, details bool) (code int, title string) {
	switch {
	case s.Result.Outcome == Pass, s.Result.Outcome == Warn:
		return http.StatusOK, "OK"
	case s.Result.Reason == FailPanic:
		return http.StatusInternalServerError, fmt.Sprintf("The %s check function panicked", name)
	case !details:
		return http.StatusServiceUnavailable, withheld
	}
	return http.StatusServiceUnavailable, s.Result.Text()
}
