package alertmanager

import (
	"net/url"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
)

// Alert is an alert as Alertmanager's API v2 takes it.
type Alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations,omitempty"`
	StartsAt    time.Time         `json:"startsAt"`
	// EndsAt is when it ended; zero as long as it fires.
	EndsAt       time.Time `json:"endsAt,omitzero"`
	GeneratorURL string    `json:"generatorURL,omitempty"`
}

// job is the label job, as in prometheus.yml.example.
const job = "health_exporter"

// The values of the label state. Each belongs to one rule.
const (
	stateUnhealthy    = "unhealthy"
	stateDegraded     = "degraded"
	stateUnknown      = "unknown"
	stateFlapping     = "flapping"
	stateRecovered    = "healthy"
	stateUnregistered = "unregistered"
	stateGone         = "gone"
)

// alertRule is how the shipped rules describe the alert of a state. Its summary is the
// title of the notice that tells the same.
type alertRule struct {
	state, alertname, severity string
	what                       alerting.What
	to                         health.Verdict
	description                string
}

// alertRules repeats what the shipped rules say, word by word, so that nobody sees
// in a mail which way it came. A test compares them.
func alertRules(kind alerting.Kind) []alertRule {
	const calm = "It became healthy or stopped being so 6 times or more in 15 minutes. Changes of state are not reported until it calms down."
	if kind == alerting.Check {
		return []alertRule{
			{stateUnhealthy, "HealthCheckUnhealthy", "critical", alerting.Changed, health.Unhealthy, "Several runs in a row have failed."},
			{stateDegraded, "HealthCheckDegraded", "warning", alerting.Changed, health.Degraded, "It has failed, or reports a warning."},
			{stateUnknown, "HealthCheckUnknown", "warning", alerting.Changed, health.Unknown, "The check is not being run. The log of its program may say why."},
			{stateFlapping, "HealthCheckFlapping", "warning", alerting.Flapping, health.Unknown, calm},
			{stateRecovered, "HealthCheckRecovered", "info", alerting.Changed, health.Healthy, "It passes again."},
		}
	}
	return []alertRule{
		{stateUnhealthy, "HealthTargetUnhealthy", "critical", alerting.Changed, health.Unhealthy, "Several health checks in a row have failed."},
		{stateDegraded, "HealthTargetDegraded", "warning", alerting.Changed, health.Degraded, "A health check has failed, or the target itself reports a warning."},
		{stateUnknown, "HealthTargetUnknown", "warning", alerting.Changed, health.Unknown, "The target is not being probed. The exporter's status page and log say why."},
		{stateFlapping, "HealthTargetFlapping", "warning", alerting.Flapping, health.Unknown, calm},
		{stateRecovered, "HealthTargetRecovered", "info", alerting.Changed, health.Healthy, "Its health checks pass again."},
		{stateUnregistered, "HealthTargetUnregistered", "info", alerting.Unregistered, health.Unknown, "The target was unregistered, or taken out of the configuration."},
		{stateGone, "HealthTargetGone", "warning", alerting.Departed, health.Unknown, "Its registration was not renewed, or it is no longer discovered. Nobody removed it, and its health is no longer known."},
	}
}

// summary is what the rule says of a subject, in one line.
func (r *alertRule) summary(kind alerting.Kind, name string) string {
	n := alerting.Notice{What: r.what, To: r.to, Subject: alerting.Subject{Kind: kind, Name: name}}
	return n.Title()
}

// story is what Alertmanager is to know of one subject: which alerts have ended, and
// which one fires. It is told as a whole: an end without the beginning that belongs
// to it would be two mails, or none.
type story struct {
	key     string
	changed time.Time // when it became another story
	alerts  []Alert   // ended ones first; not empty
}

// tell makes the story of a subject.
func (r *remembered) tell(key string, instance string) story {
	s := story{key: key, changed: r.Changed}
	kind, name := alerting.SplitKey(key)
	for _, f := range r.Ended {
		s.alerts = append(s.alerts, f.alert(kind, name, instance))
	}
	if r.Firing.State != "" {
		a := r.Firing.alert(kind, name, instance)
		a.GeneratorURL = webLink(r.link)
		s.alerts = append(s.alerts, a)
	}
	return s
}

// alert is what the rule of its state makes of it.
func (f *fired) alert(kind alerting.Kind, name string, instance string) Alert {
	a := Alert{StartsAt: f.Start, EndsAt: f.End}
	for _, rule := range alertRules(kind) {
		if rule.state != f.State {
			continue
		}
		a.Annotations = map[string]string{"summary": rule.summary(kind, name), "description": rule.description}
		a.Labels = map[string]string{
			"alertname":  rule.alertname,
			"job":        job,
			"instance":   instance,
			string(kind): name,
			"state":      rule.state,
			"severity":   rule.severity,
		}
		if f.Email != "" {
			a.Labels["email"] = f.Email
		}
	}
	return a
}

// webLink is the link if Alertmanager takes it as one: it refuses a whole request
// for a single one that it does not.
func webLink(link string) string {
	u, err := url.Parse(link)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return ""
	}
	return u.String()
}
