package server

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/server/access"
)

// health is the exporter's own health. What it monitors being down does not make the
// exporter itself unhealthy.
func (s *server) health(w http.ResponseWriter, r *http.Request) {
	about := health.Report{
		Status: health.Pass, Version: "1", ReleaseID: s.Version, ServiceID: "health_exporter",
		Description: health.DescriptionFor("health_exporter"),
	}
	now := time.Now().UTC()
	about.Observe("", "uptime", health.Measurement{
		ComponentType: "system", ObservedValue: int(time.Since(s.Started).Seconds()), ObservedUnit: "s", Status: health.Pass, Time: now,
	})
	about.Observe("targets", "monitored", health.Measurement{
		ComponentType: "component", ObservedValue: len(s.Registry.Targets()), Status: health.Pass, Time: now,
	})
	(&health.ReportHandler{Checker: s.Checks.Checker(), About: about, Details: seesDetails}).ServeHTTP(w, r)
}

// healthcheck answers as the Python package healthcheck does.
func (s *server) healthcheck(w http.ResponseWriter, r *http.Request) {
	(&health.Healthcheck{Checker: s.Checks.Checker(), Details: seesDetails, Render: renderHealthcheck}).ServeHTTP(w, r)
}

// ownChecks is how the names of the exporter's own checks begin, and no others'.
const ownChecks = "exporter-"

// renderHealthcheck lets results of the exporter's own checks expire as those of others do
// by default. They are made anew for each who asks, so that /readyz is never late: whoever
// goes by what expires would take them for old at once.
func renderHealthcheck(body health.HealthcheckBody) []byte {
	for i := range body.Results {
		r := &body.Results[i]
		switch {
		case !strings.HasPrefix(r.Checker, ownChecks):
		case r.Passed:
			r.Expires = r.Timestamp + health.DefaultPassTTL.Seconds()
		default:
			r.Expires = r.Timestamp + health.DefaultFailTTL.Seconds()
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // every output can be JSON, and the rest are strings and numbers
	}
	return text
}

// healthz answers as Flask-Healthz does.
func (s *server) healthz(w http.ResponseWriter, r *http.Request) {
	(&health.Healthz{Checker: s.Checks.Checker(), Details: seesDetails}).ServeHTTP(w, r)
}

// group answers as Kubernetes does.
func (s *server) group(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		(&health.Group{Checker: s.Checks.Checker(), Group: name, Details: seesDetails}).ServeHTTP(w, r)
	}
}

func seesDetails(r *http.Request) bool { return requester(r).SeesDetails() }

// beat notes that somebody whom a heartbeat check waits for is alive.
func (s *server) beat(w http.ResponseWriter, r *http.Request) {
	if s.Checks.Beat(r.PathValue("id")) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	refuse(w, http.StatusNotFound, "there is no check of kind heartbeat with the name "+r.PathValue("id"))
}

// hasOwnSecret reports whether a request has the token of the one route that has one of
// its own.
func (s *server) hasOwnSecret(r *http.Request) bool {
	settings := s.Settings()
	secret, _ := access.Secret(r)
	return settings.Environment != nil && secret != "" && settings.SeesEnvironment(secret)
}

// environment shows what the exporter runs on to those who have the token for it.
func (s *server) environment(w http.ResponseWriter, r *http.Request) {
	settings := s.Settings()
	if settings.Environment == nil {
		refuse(w, http.StatusNotFound, "it is switched off (environment.enabled)")
		return
	}
	if !s.hasOwnSecret(r) {
		challenge(w, "environment")
		refuse(w, http.StatusUnauthorized, "a bearer token is needed: that of environment.token_file")
		return
	}
	s.Log.Info("the environment was shown", "to", r.RemoteAddr)
	settings.Environment.ServeHTTP(w, r)
}
