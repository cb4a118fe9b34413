package config

import (
	"net/url"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Alerting says whom the exporter itself notifies of changes, and how.
type Alerting struct {
	// Email is how to mail; nil for not at all.
	Email *Email
	// Alertmanagers are all instances to push to; none for not at all.
	Alertmanagers []Alertmanager
	// ExternalURL is where people find the exporter's pages; empty if nobody knows.
	ExternalURL string
	// HeartbeatURL is asked every HeartbeatInterval, so that somebody notices when the
	// exporter is gone; empty for not at all.
	HeartbeatURL      string
	HeartbeatInterval time.Duration
}

type alertingSection struct {
	Email         yaml.Node         `yaml:"email"`
	Alertmanagers []yaml.Node       `yaml:"alertmanagers"`
	ExternalURL   yaml.Node         `yaml:"external_url"`
	Heartbeat     *heartbeatSection `yaml:"heartbeat"`
}

type heartbeatSection struct {
	URL      yaml.Node      `yaml:"url"`
	Interval *time.Duration `yaml:"interval"`
}

// defaultHeartbeat is the time between two of alerting.heartbeat.
const defaultHeartbeat = 5 * time.Minute

func (s *alertingSection) build(d *decoder) Alerting {
	faults := d.Faults
	a := Alerting{ExternalURL: strings.TrimSuffix(s.ExternalURL.Value, "/")}
	if a.ExternalURL != "" {
		if err := checkBaseURL(a.ExternalURL, "http://monitor.example.org:10115"); err != nil {
			faults.Add(s.ExternalURL.Line, "alerting.external_url", "%s", err)
		}
	}
	a.Alertmanagers = d.alertmanagers(s.Alertmanagers)
	if h := s.Heartbeat; h != nil {
		a.HeartbeatURL, a.HeartbeatInterval = h.URL.Value, defaultHeartbeat
		if h.Interval != nil {
			a.HeartbeatInterval = *h.Interval
		}
		if !isHTTP(a.HeartbeatURL) {
			faults.Add(h.URL.Line, "alerting.heartbeat.url", "%q is not a valid URL, such as https://hc.example.org/ping/abc", shownCapability(a.HeartbeatURL))
		}
		if a.HeartbeatInterval < 10*time.Second || a.HeartbeatInterval > 24*time.Hour {
			faults.Add(0, "alerting.heartbeat.interval", "must be between 10s and 1d, not %s", a.HeartbeatInterval)
		}
	}
	if !s.Email.IsZero() {
		a.Email = buildEmail(d, &s.Email, "alerting.email")
	}
	if a.Email != nil && len(a.Alertmanagers) > 0 {
		faults.Add(s.Alertmanagers[0].Line, "alerting.alertmanagers", "cannot be used together with email: each change would be told twice")
	}
	return a
}

func isHTTP(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
