package alertmanager

import (
	"cmp"
	"net/url"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
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

// Origin is what the alerts of one exporter have in common: the labels that
// Prometheus would add to what it scrapes from it.
type Origin struct {
	// Job is health_exporter if empty.
	Job string
	// Instance tells this exporter from others, as host:port.
	Instance string
}

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

// alertRule is how the shipped rules describe the alert of a state.
type alertRule struct {
	state, alertname, severity string
	summary                    string // follows the name
	description                string
}

// alertRules repeats what the shipped rules say, word by word, so that nobody sees
// in a mail which way it came. A test compares them.
func alertRules(kind alerting.Kind) []alertRule {
	const calm = "It became healthy or stopped being so 6 times or more in 15 minutes. Changes of state are not reported until it calms down."
	if kind == alerting.Check {
		return []alertRule{
			{stateUnhealthy, "HealthCheckUnhealthy", "critical", " is unhealthy", "It fails, one run after the other."},
			{stateDegraded, "HealthCheckDegraded", "warning", " health is degraded", "It has failed, or reports a warning."},
			{stateUnknown, "HealthCheckUnknown", "warning", " health is unknown", "The check is not being run. The log of its program may say why."},
			{stateFlapping, "HealthCheckFlapping", "warning", " keeps changing its state", calm},
			{stateRecovered, "HealthCheckRecovered", "info", " is back to healthy", "It passes again."},
		}
	}
	return []alertRule{
		{stateUnhealthy, "HealthTargetUnhealthy", "critical", " is unhealthy", "Its health checks fail, one after the other."},
		{stateDegraded, "HealthTargetDegraded", "warning", " health is degraded", "A health check has failed, or the target itself reports a warning."},
		{stateUnknown, "HealthTargetUnknown", "warning", " health is unknown", "The target is not being probed. The exporter's status page and log say why."},
		{stateFlapping, "HealthTargetFlapping", "warning", " keeps changing its state", calm},
		{stateRecovered, "HealthTargetRecovered", "info", " is back to healthy", "Its health checks pass again."},
		{stateUnregistered, "HealthTargetUnregistered", "info", " is no longer monitored", "The target was unregistered, or taken out of the configuration."},
		{stateGone, "HealthTargetGone", "warning", " is gone", "Its registration was not renewed, or it is no longer discovered. Nobody has removed it, and nothing is known of its health any more."},
	}
}

// Alerts are those that fire now, as the shipped rules would have them: at most one
// for each subject. It brings memory up to date with what it is shown, so it has to
// be called again and again; all there is to know of the past is in memory.
func Alerts(subjects []alerting.Subject, memory *Memory, origin Origin, now time.Time) []Alert {
	var firing []Alert
	for _, s := range memory.look(subjects, origin, now, 0) {
		for _, a := range s.alerts {
			if a.EndsAt.IsZero() {
				firing = append(firing, a)
			}
		}
	}
	return firing
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
func (r *remembered) tell(key string, origin Origin) story {
	s := story{key: key, changed: r.Changed}
	kind, name := alerting.SplitKey(key)
	for _, f := range r.Ended {
		s.alerts = append(s.alerts, f.alert(kind, name, origin))
	}
	if r.Firing.State != "" {
		a := r.Firing.alert(kind, name, origin)
		a.GeneratorURL = webLink(r.link)
		s.alerts = append(s.alerts, a)
	}
	return s
}

// alert is what the rule of its state makes of it.
func (f *fired) alert(kind alerting.Kind, name string, origin Origin) Alert {
	a := Alert{StartsAt: f.Start, EndsAt: f.End}
	for _, rule := range alertRules(kind) {
		if rule.state != f.State {
			continue
		}
		title := name
		if kind == alerting.Check {
			title = "check " + name
		}
		a.Annotations = map[string]string{"summary": title + rule.summary, "description": rule.description}
		a.Labels = map[string]string{
			"alertname":  rule.alertname,
			"job":        cmp.Or(origin.Job, "health_exporter"),
			"instance":   origin.Instance,
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
