package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/alerting/mail"
	"github.com/health-exporter/health_exporter/alerting/maintenance"
	"github.com/health-exporter/health_exporter/alerting/outbox"
	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/health"
	ownconfig "github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/selfmetrics"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

const (
	// notifyEvery is how often it is looked at what time alone brings.
	notifyEvery = 5 * time.Second
	// maxExcerpt is how many bytes of an answer are told.
	maxExcerpt = 500
	// notProbed is how long ago the last probe may be before a target counts as stalled.
	notProbed = 6 * time.Minute
)

// openOutbox opens the outbox, also if nobody is mailed: it is cheap, and whoever
// begins to mail wants no news of long ago.
func (a *App) openOutbox(cfg *ownconfig.Config) error {
	opts, err := a.outboxOptions(cfg)
	if err != nil {
		return err
	}
	a.maintenance, err = maintenance.Open(a.opts.StoragePath, a.log)
	if err != nil {
		return err
	}
	if a.outbox, err = outbox.Open(opts); err == nil {
		a.adoptWindows()
	}
	return err
}

// adoptWindows moves times of maintenance to their own file, if the outbox has any from
// before. What fails is done at the next start.
func (a *App) adoptWindows() {
	list, err := a.outbox.OldWindows()
	if len(list) > 0 && err == nil {
		if err = a.maintenance.Adopt(list); err == nil {
			err = a.outbox.DropOldWindows()
		}
	}
	if err != nil {
		a.log.Error("times of maintenance that were added over the API cannot be moved to their own file", "err", err)
	}
}

// outboxOptions are those of the configuration, and of this program.
func (a *App) outboxOptions(cfg *ownconfig.Config) (outbox.Options, error) {
	opts, err := mailOptions(cfg, nil)
	opts.Path, opts.Log = a.opts.StoragePath, a.log
	planned := windows(cfg)
	opts.Hold = func(s *alerting.Subject, now time.Time) bool {
		return planned.Hold(s, now) || a.maintenance.Hold(s, now)
	}
	return opts, err
}

// mailOptions are those of the configuration. What is said to the mail server is
// written to dialogue; nil for nowhere.
func mailOptions(cfg *ownconfig.Config, dialogue io.Writer) (outbox.Options, error) {
	opts := outbox.Options{Redact: redact.Text}
	e := cfg.Alerting.Email
	if e == nil {
		return opts, nil
	}
	server, err := mailServer(e)
	if err != nil {
		return opts, err
	}
	server.Debug = dialogue
	templates, err := mail.LoadTemplates(e.Templates)
	if err != nil {
		return opts, fmt.Errorf("reading the templates of mails: %w", err)
	}
	opts.Sender, opts.Templates, opts.To = server, templates, e.To
	opts.Wait, opts.Interval, opts.Reminder = e.Wait, e.Interval, e.Reminder
	return opts, nil
}

// windows are the times of maintenance of the configuration.
func windows(cfg *ownconfig.Config) alerting.Windows {
	var list alerting.Windows
	for _, m := range cfg.Maintenance {
		w := alerting.Window{Name: m.Name, Targets: m.Targets, Groups: m.Groups, Start: m.Start, End: m.End}
		if m.Weekly {
			w.Weekly = &alerting.Weekly{Days: m.Days, From: m.From, To: m.To, Location: m.Location}
		}
		list = append(list, w)
	}
	return list
}

// mailServer is the server to mail over.
func mailServer(e *ownconfig.Email) (*mail.SMTP, error) {
	options, err := config.NewTLSConfig(&e.TLSConfig)
	if err != nil {
		return nil, fmt.Errorf("reading alerting.email.tls_config: %w", err)
	}
	server := &mail.SMTP{
		Host: e.Host, Port: e.Port, TLS: mail.TLSMode(e.TLS), Auth: mail.AuthMethod(e.Auth), Username: e.Username,
		From: e.From, Hello: e.Hello, TLSConfig: options,
	}
	if e.HasPassword() {
		server.Password = e.Password
	}
	return server, server.Check()
}

// notifyLoop tells the outbox what has become of everything, as soon as a change of
// state is on disk, and now and then.
func (a *App) notifyLoop(ctx context.Context) {
	tick := time.NewTicker(notifyEvery)
	defer tick.Stop()
	for {
		a.notify()
		select {
		case <-ctx.Done():
			return
		case <-a.stored:
		case <-tick.C:
		}
	}
}

// notify hands over what is known.
func (a *App) notify() { a.news.tell(a.outbox, a.subjects(time.Now()), a.storedChanges) }

// storedChanges are those changes of a subject that are on disk, oldest first.
func (a *App) storedChanges(kind alerting.Kind, name string) []schedule.Transition {
	if kind == alerting.Check {
		name = checkPrefix + name
	}
	if saved := a.registry.Saved(name); saved != nil {
		return saved.Transitions
	}
	return nil
}

// subjects are all targets and checks, also targets that are gone.
func (a *App) subjects(now time.Time) []alerting.Subject {
	external := a.externalURL(a.config.Load())
	targets, gone := a.polling.everybody()
	checks := a.checking.scheduler.Snapshot()
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
			list = append(list, a.goneSubject(&gone[i], external))
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
		Stalled: st.Problem != "" || st.Probed && now.Sub(st.LastProbe) > notProbed || !st.Probed && st.Error != "",
		Paused:  st.Target.Paused,
	}
}

// notified is how the mailing and the pushing go, for their metrics.
func (a *App) notified() selfmetrics.Notified {
	n := selfmetrics.Notified{Mail: a.outbox.Stats()}
	a.pushing.mu.Lock()
	pusher := a.pushing.pusher
	a.pushing.mu.Unlock()
	if pusher != nil {
		n.Push = pusher.Stats()
	}
	return n
}

// notificationProblem is why people are not told at the moment; empty if they are.
func (a *App) notificationProblem() string {
	if s := a.outbox.Stats(); s.Problem != "" {
		return "the last attempt to mail failed: " + s.Problem
	}
	a.pushing.mu.Lock()
	pusher := a.pushing.pusher
	a.pushing.mu.Unlock()
	if pusher != nil {
		for _, each := range pusher.Stats().Instances {
			if each.Error != "" {
				return "the Alertmanager " + each.URL + " does not take alerts: " + each.Error
			}
		}
	}
	b := &a.pushing.beats
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed != "" {
		return "the heartbeat is not heard: " + b.failed
	}
	return ""
}

// notificationCheck tells on /health whether mails get through.
func (a *App) notificationCheck() health.Check {
	return health.Check{
		Name: "exporter-notifications", PassTTL: -1, FailTTL: -1, Severity: health.WarningOnly, Groups: []string{"checks"},
		Run: func(ctx context.Context) error {
			health.Observe(ctx, "queued", a.outbox.Stats().Queued, "notices")
			if problem := a.notificationProblem(); problem != "" {
				return errors.New(problem)
			}
			return nil
		},
	}
}
