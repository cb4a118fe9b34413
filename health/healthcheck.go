package health

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"time"
)

// Healthcheck is a handler that answers as the Python package healthcheck does: one
// JSON object with the results of all checks in the order of their registration,
// and 200 if all critical ones passed. ?check=name asks for one check only. Only
// Checker is required.
type Healthcheck struct {
	Checker *Checker
	// Details decides who may see the output of checks; nil means nobody.
	Details func(*http.Request) bool
	// Budget is how long a request waits for checks; default DefaultBudget.
	Budget time.Duration
	// SuccessStatus and FailedStatus are the status codes; defaults 200 and 500.
	SuccessStatus, FailedStatus int
	// SuccessHeader and FailedHeader are added to the answer, in place of headers of
	// the same names.
	SuccessHeader, FailedHeader http.Header
	// Plain answers OK or NOT OK as text.
	Plain bool
	// Render, if set, makes the body in place of JSON.
	Render func(HealthcheckBody) []byte
	// Sections are further members of the object, evaluated for each request. Sections that
	// return an error, and those whose names are taken, are omitted.
	Sections map[string]func(context.Context) (any, error)
}

// HealthcheckBody is the answer of a Healthcheck. Times are seconds since 1970.
type HealthcheckBody struct {
	Hostname  string              `json:"hostname"`
	Status    string              `json:"status"` // success or failure
	Timestamp float64             `json:"timestamp"`
	Results   []HealthcheckResult `json:"results"`
}

// HealthcheckResult is one check in a HealthcheckBody.
type HealthcheckResult struct {
	Checker      string  `json:"checker"`
	Output       any     `json:"output"`
	Passed       bool    `json:"passed"`
	Timestamp    float64 `json:"timestamp"`
	Expires      float64 `json:"expires"`
	ResponseTime float64 `json:"response_time"`
}

// ServeHTTP runs the checks whose results have expired and answers.
func (h *Healthcheck) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !readOnly(w, r) {
		return
	}
	ctx, cancel := within(r, h.Budget)
	defer cancel()
	var list []*Status
	if name := r.URL.Query().Get("check"); name != "" {
		one, ok := h.Checker.CheckOne(ctx, name)
		if !ok || one.Check.Hidden {
			http.Error(w, fmt.Sprintf("there is no check %q", name), http.StatusNotFound)
			return
		}
		list = []*Status{one}
	} else {
		list = h.Checker.Check(ctx, "")
	}
	passed := Whole(list, "") != Fail
	body := h.body(list, passed, allowed(h.Details, r))
	header, status := h.SuccessHeader, cmp.Or(h.SuccessStatus, http.StatusOK)
	if !passed {
		header, status = h.FailedHeader, cmp.Or(h.FailedStatus, http.StatusInternalServerError)
	}
	text := h.text(ctx, body, passed, w.Header())
	w.Header().Set("Cache-Control", "no-store")
	maps.Copy(w.Header(), header)
	w.WriteHeader(status)
	_, _ = w.Write(text) // a client that is gone needs no answer
}

// body is the answer as a value.
func (h *Healthcheck) body(list []*Status, passed, details bool) HealthcheckBody {
	hostname, _ := os.Hostname() // empty if there is none
	body := HealthcheckBody{
		Hostname: hostname, Status: "success", Timestamp: seconds(time.Now()), Results: []HealthcheckResult{},
	}
	if !passed {
		body.Status = "failure"
	}
	for _, s := range list {
		if s.Check.Hidden {
			continue
		}
		result := HealthcheckResult{
			Checker: s.Check.Name, Output: s.Result.Output,
			Passed:    s.Result.Outcome == Pass || s.Result.Outcome == Warn,
			Timestamp: seconds(s.Result.Time), Expires: seconds(s.Result.Expires),
			ResponseTime: float64(s.Result.Duration.Microseconds()) / 1e6,
		}
		if !details && s.Result.Output != "OK" {
			result.Output = withheld
		}
		body.Results = append(body.Results, result)
	}
	return body
}

// text renders the answer and sets its media type.
func (h *Healthcheck) text(ctx context.Context, body HealthcheckBody, passed bool, header http.Header) []byte {
	header.Set("Content-Type", "application/json")
	switch {
	case h.Render != nil:
		return h.Render(body)
	case h.Plain:
		header.Set("Content-Type", "text/plain; charset=utf-8")
		if passed {
			return []byte("OK")
		}
		return []byte("NOT OK")
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // every output can be JSON, and the rest are strings and numbers
	}
	return h.withSections(ctx, text)
}

// withSections adds the sections to the object.
func (h *Healthcheck) withSections(ctx context.Context, object []byte) []byte {
	for _, name := range slices.Sorted(maps.Keys(h.Sections)) {
		if slices.Contains([]string{"hostname", "status", "timestamp", "results"}, name) {
			continue
		}
		value, err := h.Sections[name](ctx)
		if err != nil {
			continue
		}
		key, _ := json.Marshal(name) // a string can always be JSON
		text, err := json.Marshal(value)
		if err != nil {
			continue
		}
		object = append(object[:len(object)-1], ',')
		object = append(append(append(object, key...), ':'), text...)
		object = append(object, '}')
	}
	return object
}

// seconds since 1970, to the microsecond; 0 for no time.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMicro()) / 1e6
}
