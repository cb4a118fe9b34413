package app

import (
	"fmt"
	"io"
	"time"

	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/alerting/mail"
	"github.com/health-exporter/health_exporter/alerting/outbox"
	"github.com/health-exporter/health_exporter/envinfo/redact"
	ownconfig "github.com/health-exporter/health_exporter/internal/config"
)

// options are those of the configuration, and of this program.
func (t *telling) options(cfg *ownconfig.Config) (outbox.Options, error) {
	opts, err := mailOptions(cfg, nil)
	opts.Path, opts.Log, opts.Subject = t.path, t.log, t.subject
	planned := windows(cfg)
	opts.Hold = func(s *alerting.Subject, now time.Time) bool {
		return planned.Hold(s, now) || t.added.Hold(s, now)
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
