package config

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/config"
	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/strictyaml"
	"github.com/health-exporter/health_exporter/prober"
)

// Alerting says whom the exporter itself tells of changes, and how.
type Alerting struct {
	// Email is how to mail; nil for not at all.
	Email *Email
	// Alertmanagers are the base URLs of all instances to push to; none for not at all.
	Alertmanagers []string
	// ExternalURL is where people find the exporter's pages; empty if nobody knows.
	ExternalURL string
	// HeartbeatURL is asked every HeartbeatInterval, so that somebody notices when the
	// exporter is gone; empty for not at all.
	HeartbeatURL      string
	HeartbeatInterval time.Duration
}

// GmailTokenVariable is the environment variable with the password, or token, for
// Gmail's server if nothing else is given.
const GmailTokenVariable = "HEALTH_EXPORTER_GMAIL_TOKEN"

const gmailHost = "smtp.gmail.com"

// Email is how to mail.
type Email struct {
	Host string
	Port int
	// TLS is starttls, tls or none.
	TLS string
	// Auth is auto, plain, login, cram-md5, xoauth2 or none.
	Auth      string
	Username  string
	From      string
	To        []string
	Hello     string
	TLSConfig config.TLSConfig
	// Templates is a directory with the operator's own; empty for the shipped ones.
	Templates string
	// Wait, Interval and Reminder are how long changes are collected, the least time
	// between two mails to the same recipient, and how often an outage is told again.
	Wait, Interval, Reminder time.Duration

	password secret
}

// HasPassword tells whether one is given.
func (e *Email) HasPassword() bool { return e.password != (secret{}) }

// Password is read anew each time: it may have changed.
func (e *Email) Password() (string, error) { return e.password.read() }

type alertingSection struct {
	Email         *emailSection     `yaml:"email"`
	Alertmanagers []yaml.Node       `yaml:"alertmanagers"`
	ExternalURL   yaml.Node         `yaml:"external_url"`
	Heartbeat     *heartbeatSection `yaml:"heartbeat"`
}

type heartbeatSection struct {
	URL      yaml.Node     `yaml:"url"`
	Interval time.Duration `yaml:"interval"`
}

type emailSection struct {
	Smarthost    yaml.Node        `yaml:"smarthost"`
	TLS          yaml.Node        `yaml:"tls"`
	Auth         yaml.Node        `yaml:"auth"`
	Username     string           `yaml:"username"`
	PasswordFile string           `yaml:"password_file"`
	PasswordEnv  string           `yaml:"password_env"`
	From         yaml.Node        `yaml:"from"`
	To           []yaml.Node      `yaml:"to"`
	Hello        string           `yaml:"hello"`
	TLSConfig    config.TLSConfig `yaml:"tls_config"`
	Templates    yaml.Node        `yaml:"templates"`
	Wait         *time.Duration   `yaml:"wait"`
	Interval     *time.Duration   `yaml:"interval"`
	Reminder     time.Duration    `yaml:"reminder"`
}

var (
	tlsModes  = []string{"starttls", "tls", "none"}
	authModes = []string{"auto", "plain", "login", "cram-md5", "xoauth2", "none"}
)

func (s *alertingSection) build(faults *strictyaml.Faults) Alerting {
	a := Alerting{ExternalURL: strings.TrimSuffix(s.ExternalURL.Value, "/")}
	if a.ExternalURL != "" && !isHTTP(a.ExternalURL) {
		faults.Add(s.ExternalURL.Line, "alerting.external_url", "%q is no URL such as http://monitor.example.org:10115", a.ExternalURL)
	}
	for i, n := range s.Alertmanagers {
		at := strings.TrimSuffix(n.Value, "/")
		if !isHTTP(at) {
			faults.Add(n.Line, fmt.Sprintf("alerting.alertmanagers[%d]", i), "%q is no URL such as http://localhost:9093", n.Value)
		}
		if slices.Contains(a.Alertmanagers, at) {
			faults.Add(n.Line, fmt.Sprintf("alerting.alertmanagers[%d]", i), "%q is given twice", n.Value)
		}
		a.Alertmanagers = append(a.Alertmanagers, at)
	}
	if h := s.Heartbeat; h != nil {
		a.HeartbeatURL, a.HeartbeatInterval = h.URL.Value, h.Interval
		if !isHTTP(a.HeartbeatURL) {
			faults.Add(h.URL.Line, "alerting.heartbeat.url", "%q is no URL such as https://hc.example.org/ping/abc", a.HeartbeatURL)
		}
		if a.HeartbeatInterval == 0 {
			a.HeartbeatInterval = 5 * time.Minute
		}
		if a.HeartbeatInterval < 10*time.Second || a.HeartbeatInterval > 24*time.Hour {
			faults.Add(h.URL.Line, "alerting.heartbeat.interval", "must be between 10s and 1d, not %s", a.HeartbeatInterval)
		}
	}
	if s.Email != nil {
		a.Email = s.Email.build(faults)
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

func (s *emailSection) build(faults *strictyaml.Faults) *Email {
	e := &Email{
		TLS: oneOf(faults, &s.TLS, "alerting.email.tls", tlsModes), Auth: oneOf(faults, &s.Auth, "alerting.email.auth", authModes),
		Username: s.Username, Hello: s.Hello, TLSConfig: s.TLSConfig, Templates: s.Templates.Value,
		Wait: 5 * time.Second, Interval: time.Minute, Reminder: s.Reminder,
		password: secret{s.PasswordFile, s.PasswordEnv},
	}
	host, port, err := net.SplitHostPort(s.Smarthost.Value)
	number, errPort := strconv.ParseUint(port, 10, 16)
	if err != nil || errPort != nil || host == "" || number == 0 {
		faults.Add(s.Smarthost.Line, "alerting.email.smarthost", "%q is no host:port such as smtp.example.org:587", s.Smarthost.Value)
	}
	e.Host, e.Port = host, int(number)
	if e.password == (secret{}) && host == gmailHost && os.Getenv(GmailTokenVariable) != "" {
		e.password = secret{env: GmailTokenVariable}
	}
	e.From = mailAddress(faults, &s.From, "alerting.email.from")
	for i := range s.To {
		e.To = append(e.To, mailAddress(faults, &s.To[i], fmt.Sprintf("alerting.email.to[%d]", i)))
	}
	if len(s.To) == 0 {
		faults.Add(s.From.Line, "alerting.email.to", "is required: who is told of targets that name nobody")
	}
	if err := e.password.given("Password", false); err != nil {
		faults.Add(s.Smarthost.Line, "alerting.email.password_file", "must be empty when password_env is given")
	}
	if e.Username == "" && host == gmailHost {
		e.Username = e.From
	}
	if e.password == (secret{}) && (e.Username != "" || e.Auth != "auto" && e.Auth != "none") {
		faults.Add(s.Smarthost.Line, "alerting.email.password_file", "is required with username or auth, or password_env")
	}
	if dir := s.Templates.Value; dir != "" {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			faults.Add(s.Templates.Line, "alerting.email.templates", "%q is no directory", dir)
		}
	}
	if err := s.TLSConfig.Validate(); err != nil {
		faults.Add(s.Smarthost.Line, "alerting.email.tls_config", "%s", err)
	}
	span := func(key string, given *time.Duration, into *time.Duration) {
		if given == nil {
			return
		}
		*into = *given
		if *into < 0 || *into > 24*time.Hour {
			faults.Add(s.Smarthost.Line, "alerting.email."+key, "must be between 0s and 1d, not %s", *into)
		}
		if *into == 0 {
			*into = -1 // not at all; 0 would be the default
		}
	}
	span("wait", s.Wait, &e.Wait)
	span("interval", s.Interval, &e.Interval)
	if e.Reminder < 0 || e.Reminder > 0 && e.Reminder < time.Minute {
		faults.Add(s.Smarthost.Line, "alerting.email.reminder", "must be 0s for none, or at least 1m, not %s", e.Reminder)
	}
	return e
}

// oneOf reads a word, the first of those allowed if there is none.
func oneOf(faults *strictyaml.Faults, n *yaml.Node, path string, allowed []string) string {
	if n.Value == "" {
		return allowed[0]
	}
	if !slices.Contains(allowed, n.Value) {
		faults.Add(n.Line, path, "%q must be one of %s", n.Value, strings.Join(allowed, ", "))
	}
	return n.Value
}

func mailAddress(faults *strictyaml.Faults, n *yaml.Node, path string) string {
	address, err := prober.ParseEmail(n.Value)
	if err != nil {
		faults.Add(n.Line, path, "%q: %s", n.Value, err)
	}
	return address
}
