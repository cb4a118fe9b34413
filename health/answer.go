package health

import (
	"context"
	"net/http"
	"time"
)

// DefaultBudget is how long a handler waits for checks whose results are too old.
const DefaultBudget = time.Second

// within returns the context in which a request waits for checks.
func within(r *http.Request, budget time.Duration) (context.Context, context.CancelFunc) {
	if budget == 0 {
		budget = DefaultBudget
	}
	return context.WithTimeout(r.Context(), budget)
}

// readOnly refuses methods other than GET, HEAD and OPTIONS, and answers OPTIONS.
func readOnly(w http.ResponseWriter, r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return true
	case http.MethodOptions:
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		w.WriteHeader(http.StatusNoContent)
		return false
	}
	w.Header().Set("Allow", "GET, HEAD, OPTIONS")
	http.Error(w, "method not allowed: use GET", http.StatusMethodNotAllowed)
	return false
}

// allowed reports whether a request may see details; nil allows nobody.
func allowed(details func(*http.Request) bool, r *http.Request) bool {
	return details != nil && details(r)
}

// Everyone lets every client see details. Use it where a handler cannot be reached from
// outside.
func Everyone(*http.Request) bool { return true }

// withheld replaces a detail that is not shown.
const withheld = "details withheld"
