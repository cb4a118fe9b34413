package health

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// DescriptionFor is the usual description of an app's report.
func DescriptionFor(app string) string { return "health of " + app + " service" }

// Observe adds a measurement of a component, and worsens the status of the report
// to the measurement's own, if it has one. Neither name may have a colon; an empty
// component leaves the measurement's name alone.
func (r *Report) Observe(component, measurement string, m Measurement) {
	key := component
	switch {
	case component == "":
		key = measurement
	case measurement != "":
		key += ":" + measurement
	}
	if r.Checks == nil {
		r.Checks = map[string][]Measurement{}
	}
	r.Checks[key] = append(r.Checks[key], m)
	r.Status = max(r.Status, m.Status)
}

// StatusCode is the HTTP status that goes with the report: 200, or 503 if its status
// is Fail or there is none.
func (r *Report) StatusCode() int {
	if r.Status == Pass || r.Status == Warn {
		return http.StatusOK
	}
	return http.StatusServiceUnavailable
}

// Answer writes the report as the answer to a request. It may be cached for maxAge,
// which is rounded down to seconds.
func (r *Report) Answer(w http.ResponseWriter, maxAge time.Duration) error {
	said := *r
	if said.Status == Reset {
		said.Status = Fail
	}
	text, err := json.Marshal(&said)
	if err != nil {
		return fmt.Errorf("rendering the report: %w", err)
	}
	w.Header().Set("Content-Type", MediaType)
	w.Header().Set("Cache-Control", fmt.Sprintf("max-age=%d", int(max(0, maxAge).Seconds())))
	w.WriteHeader(r.StatusCode())
	_, err = w.Write(text)
	return err
}

// ReportHandler is a handler that answers with a report (application/health+json)
// of all checks. Only Checker is required.
type ReportHandler struct {
	Checker *Checker
	// About has the report's other members, such as Version, ReleaseID and
	// Description. Its Status counts too.
	About Report
	// Group, if set, restricts the report to the checks of one group.
	Group string
	// Details decides who may see more than the status; nil means nobody.
	Details func(*http.Request) bool
	// Budget is how long a request waits for checks; default DefaultBudget.
	Budget time.Duration
}

// ServeHTTP runs the checks whose results have expired and answers: 200 if all is
// well or there are warnings, else 503.
func (h *ReportHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !readOnly(w, r) {
		return
	}
	ctx, cancel := within(r, h.Budget)
	defer cancel()
	list, outcome := h.Checker.group(ctx, h.Group)
	report := Report{Status: max(outcome, h.About.Status)}
	if allowed(h.Details, r) {
		report = h.About
		report.Status = max(outcome, report.Status)
		report.Checks = nil
		for name, each := range h.About.Checks {
			for _, m := range each {
				report.Observe(name, "", m)
			}
		}
		for _, s := range list {
			s.reportTo(&report)
		}
	}
	if err := report.Answer(w, serves(list)); err != nil {
		h.Checker.log().Debug("health report not written", "err", err)
	}
}

// reportTo adds the check to a report without changing its status: what a failure
// means for the whole is a matter of severity.
func (s *Status) reportTo(report *Report) {
	if s.Check.Hidden {
		return
	}
	whole := report.Status
	m := Measurement{ComponentType: "component", Status: s.Result.Outcome, Time: s.Result.Time}
	if s.Check.Remote {
		m.ComponentType = "datastore"
	}
	if s.Result.Outcome != Pass {
		m.Output = s.Result.Text()
	}
	if !s.Result.Time.IsZero() {
		m.ObservedValue, m.ObservedUnit = float64(s.Result.Duration.Microseconds())/1e3, "ms"
	}
	report.Observe(s.Check.Name, "responseTime", m)
	for _, o := range s.Result.Observations {
		o.Time = s.Result.Time
		report.Observe(s.Check.Name, o.Name, o.Measurement)
	}
	report.Status = whole
}

// serves is how long an answer made of the results stays true.
func serves(list []*Status) time.Duration {
	now, least := time.Now(), DefaultPassTTL
	for _, s := range list {
		left := s.Result.Expires.Sub(now)
		if s.Check.Interval > 0 {
			left = s.Check.Interval - now.Sub(s.Result.Time)
		}
		least = min(least, left)
	}
	return max(0, least)
}
