package server

import (
	"net/http"
	"time"
)

func (s *server) healthy(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte("Healthy"))
}

func (s *server) ready(w http.ResponseWriter, _ *http.Request) {
	if err := s.Ready(); err != nil {
		http.Error(w, "Not ready: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte("Ready"))
}

func (s *server) reload(w http.ResponseWriter, r *http.Request) {
	if err := s.Reload(r.Context()); err != nil {
		http.Error(w, "The configuration was not reloaded, the old one stays in force: "+err.Error(), http.StatusInternalServerError)
	}
}

// health is the exporter's own health. What it monitors being down does not make
// the exporter itself unhealthy.
func (s *server) health(w http.ResponseWriter, _ *http.Request) {
	type element struct {
		ComponentType string    `json:"componentType,omitempty"`
		ObservedValue any       `json:"observedValue,omitempty"`
		ObservedUnit  string    `json:"observedUnit,omitempty"`
		Status        string    `json:"status"`
		Time          time.Time `json:"time"`
		Output        string    `json:"output,omitempty"`
	}
	now := time.Now().UTC()
	status, code, output := "pass", http.StatusOK, ""
	if err := s.Ready(); err != nil {
		status, code, output = "fail", http.StatusServiceUnavailable, "not ready"
	}
	storage := element{ComponentType: "datastore", Status: "pass", Time: now}
	if stats := s.Registry.Stats(); stats.DiskFailed {
		storage.Status, storage.Output = "warn", "registrations cannot be stored"
		if status == "pass" {
			status = "warn"
		}
	}
	body := map[string]any{
		"status": status, "version": "1", "releaseId": s.Version, "serviceId": "health_exporter",
		"description": "health of health_exporter service",
		"checks": map[string][]element{
			"uptime": {{
				ComponentType: "system", ObservedValue: int(time.Since(s.Started).Seconds()), ObservedUnit: "s",
				Status: "pass", Time: now,
			}},
			"storage":           {storage},
			"targets:monitored": {{ComponentType: "component", ObservedValue: len(s.Registry.Targets()), Status: "pass", Time: now}},
		},
	}
	if output != "" {
		body["output"] = output
	}
	writeJSON(w, code, "application/health+json", body)
}
