package app

import (
	"net/url"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// maxExcerpt is how many bytes of an answer are shown.
const maxExcerpt = 500

// subjects are all targets and checks, also targets that are gone.
func (t *telling) subjects(now time.Time) []alerting.Subject {
	cfg := t.cfg.Load()
	external := externalURL(cfg, t.external)
	targets, gone := t.targets()
	checks := t.checks()
	list := make([]alerting.Subject, 0, len(targets)+len(gone)+len(checks))
	there := map[string]bool{}
	for _, st := range targets {
		if len(gone) > 0 {
			there[st.Target.App] = true
		}
		s := subject(alerting.Target, st, now)
		s.Place, s.Group, s.DependsOn = st.Target.Place(), st.Target.Group, st.Target.DependsOn
		if st.Target.MailAllowed {
			s.Email = st.Target.Email
		}
		if external != "" {
			s.Link = external + "/targets/" + url.PathEscape(s.Name)
		}
		list = append(list, s)
	}
	for i := range gone {
		if !there[gone[i].App] {
			list = append(list, goneSubject(cfg, &gone[i], external))
		}
	}
	for _, st := range checks {
		s := subject(alerting.Check, st, now)
		if external != "" {
			s.Link = external + "/checks/" + url.PathEscape(s.Name)
		}
		list = append(list, s)
	}
	return list
}

// subject is what both have in common.
func subject(kind alerting.Kind, st *schedule.Status, now time.Time) alerting.Subject {
	return alerting.Subject{
		Kind: kind, Name: st.Target.App, State: st.State.Verdict, Since: st.Since, LastHealthy: st.LastHealthy,
		Error: st.Error, Response: st.Response[:min(len(st.Response), maxExcerpt)],
		Stalled: stalled(st, now), Paused: st.Target.Paused, Interval: st.Target.Interval,
		OnlyWarns: st.State.Verdict == health.Degraded && !st.Failing,
	}
}

// stalled reports whether a subject is not being probed, seen from how often it should
// be: the shipped rules judge by the same.
func stalled(st *schedule.Status, now time.Time) bool {
	interval := st.Target.Interval
	switch {
	case st.Problem != "":
		return true
	case now.Sub(st.Since) < 2*interval: // it is new, or goes on after a pause: its turn may be to come
		return false
	case st.Probed:
		return now.Sub(st.LastProbe) > alerting.NotProbedAfter(interval)
	}
	return st.Error != ""
}

// goneSubject is the subject of a target that is gone.
func goneSubject(cfg *config.Config, g *registry.Tombstone, external string) alerting.Subject {
	s := alerting.Subject{
		Kind: alerting.Target, Name: g.App, Place: g.Place, Group: g.Group, Email: mailable(cfg, g.Email), Since: g.At,
		LastHealthy: g.LastHealthy, Gone: g.At, GoneWhy: g.Why(),
	}
	if external != "" {
		s.Link = external + "/targets/" + url.PathEscape(s.Name)
	}
	return s
}

// pushedSubjects are those for Alertmanagers, without anything secret.
func (t *telling) pushedSubjects() []alerting.Subject {
	list := t.subjects(time.Now())
	for i := range list {
		list[i].Error, list[i].Place, list[i].Response = redact.Text(list[i].Error), redact.Text(list[i].Place), nil
	}
	return list
}
