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

// subject is a target or check as it is now, also a target that is gone; nil if there is
// none.
func (t *telling) subject(kind alerting.Kind, name string) *alerting.Subject {
	cfg := t.cfg.Load()
	if kind == alerting.Check {
		if st, ok := t.checks.Status(name); ok {
			return t.checkSubject(cfg, st)
		}
		return nil
	}
	if st, ok := t.targets.Status(name); ok {
		return t.targetSubject(cfg, st)
	}
	if g, gone := t.saved.Tombstone(name); gone {
		return t.goneSubject(cfg, &g)
	}
	return nil
}

// subjects are all targets and checks, also targets that are gone. A target that comes
// back, or goes, while they are told may be among them twice.
func (t *telling) subjects(yield func(*alerting.Subject) bool) {
	cfg := t.cfg.Load()
	for _, g := range t.saved.Tombstones() {
		if _, there := t.targets.Status(g.App); !there && !yield(t.goneSubject(cfg, &g)) {
			return
		}
	}
	for _, st := range t.targets.Snapshot() {
		if !yield(t.targetSubject(cfg, st)) {
			return
		}
	}
	for _, st := range t.checks.Snapshot() {
		if !yield(t.checkSubject(cfg, st)) {
			return
		}
	}
}

func (t *telling) targetSubject(cfg *config.Config, st *schedule.Status) *alerting.Subject {
	s := subject(alerting.Target, st, time.Now())
	s.Place, s.Group, s.DependsOn = st.Target.Place(), st.Target.Group, st.Target.DependsOn
	if st.Target.MailAllowed {
		s.Email = st.Target.Email
	}
	s.Link = t.link(cfg, "/targets/", s.Name)
	return &s
}

func (t *telling) checkSubject(cfg *config.Config, st *schedule.Status) *alerting.Subject {
	s := subject(alerting.Check, st, time.Now())
	s.Link = t.link(cfg, "/checks/", s.Name)
	return &s
}

// goneSubject is what there is to tell of a target that is gone.
func (t *telling) goneSubject(cfg *config.Config, g *registry.Tombstone) *alerting.Subject {
	return &alerting.Subject{
		Kind: alerting.Target, Name: g.App, Place: g.Place, Group: g.Group, Email: mailable(cfg, g.Email), Since: g.At,
		LastHealthy: g.LastHealthy, Gone: g.At, GoneWhy: g.Why(), Link: t.link(cfg, "/targets/", g.App),
	}
}

// link is where a person finds more; empty if nobody knows.
func (t *telling) link(cfg *config.Config, page, name string) string {
	external := externalURL(cfg, t.external)
	if external == "" {
		return ""
	}
	return external + page + url.PathEscape(name)
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

// pushedSubject is subject for Alertmanagers, without anything secret.
func (t *telling) pushedSubject(kind alerting.Kind, name string) *alerting.Subject {
	s := t.subject(kind, name)
	if s != nil {
		s.Error, s.Place, s.Response = redact.Text(s.Error), redact.Text(s.Place), nil
	}
	return s
}
