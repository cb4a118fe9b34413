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
	URL      yaml.Node `yaml:"url"`
	Interval Duration  `yaml:"interval"`
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
	Wait         *Duration        `yaml:"wait"`
	Interval     *Duration        `yaml:"interval"`
	Reminder     Duration         `yaml:"reminder"`
}

var (
	tlsModes  = []string{"starttls", "tls", "none"}
	authModes = []string{"auto", "plain", "login", "cram-md5", "xoauth2", "none"}
)

func (s *alertingSection) build(faults *Faults) Alerting {
	a := Alerting{ExternalURL: strings.TrimSuffix(s.ExternalURL.Value, "/")}
	if a.ExternalURL != "" && !isHTTP(a.ExternalURL) {
		faults.add(s.ExternalURL.Line, "alerting.external_url", "%q is no URL such as http://monitor.example.org:10115", a.ExternalURL)
	}
	for i, n := range s.Alertmanagers {
		at := strings.TrimSuffix(n.Value, "/")
		if !isHTTP(at) {
			faults.add(n.Line, fmt.Sprintf("alerting.alertmanagers[%d]", i), "%q is no URL such as http://localhost:9093", n.Value)
		}
		if slices.Contains(a.Alertmanagers, at) {
			faults.add(n.Line, fmt.Sprintf("alerting.alertmanagers[%d]", i), "%q is given twice", n.Value)
		}
		a.Alertmanagers = append(a.Alertmanagers, at)
	}
	if h := s.Heartbeat; h != nil {
		a.HeartbeatURL, a.HeartbeatInterval = h.URL.Value, time.Duration(h.Interval)
		if !isHTTP(a.HeartbeatURL) {
			faults.add(h.URL.Line, "alerting.heartbeat.url", "%q is no URL such as https://hc.example.org/ping/abc", a.HeartbeatURL)
		}
		if a.HeartbeatInterval == 0 {
			a.HeartbeatInterval = 5 * time.Minute
		}
		if a.HeartbeatInterval < 10*time.Second || a.HeartbeatInterval > 24*time.Hour {
			faults.add(h.URL.Line, "alerting.heartbeat.interval", "must be between 10s and 1d, not %s", a.HeartbeatInterval)
		}
	}
	if s.Email != nil {
		a.Email = s.Email.build(faults)
	}
	if a.Email != nil && len(a.Alertmanagers) > 0 {
		faults.add(s.Alertmanagers[0].Line, "alerting.alertmanagers", "cannot be used together with email: each change would be told twice")
	}
	return a
}

func isHTTP(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func (s *emailSection) build(faults *Faults) *Email {
	e := &Email{
		TLS: oneOf(faults, &s.TLS, "alerting.email.tls", tlsModes), Auth: oneOf(faults, &s.Auth, "alerting.email.auth", authModes),
		Username: s.Username, Hello: s.Hello, TLSConfig: s.TLSConfig, Templates: s.Templates.Value,
		Wait: 5 * time.Second, Interval: time.Minute, Reminder: time.Duration(s.Reminder),
		password: secret{s.PasswordFile, s.PasswordEnv},
	}
	host, port, err := net.SplitHostPort(s.Smarthost.Value)
	number, errPort := strconv.ParseUint(port, 10, 16)
	if err != nil || errPort != nil || host == "" || number == 0 {
		faults.add(s.Smarthost.Line, "alerting.email.smarthost", "%q is no host:port such as smtp.example.org:587", s.Smarthost.Value)
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
		faults.add(s.From.Line, "alerting.email.to", "is required: who is told of targets that name nobody")
	}
	if err := e.password.given("Password", false); err != nil {
		faults.add(s.Smarthost.Line, "alerting.email.password_file", "must be empty when password_env is given")
	}
	if e.Username == "" && host == gmailHost {
		e.Username = e.From
	}
	if e.password == (secret{}) && (e.Username != "" || e.Auth != "auto" && e.Auth != "none") {
		faults.add(s.Smarthost.Line, "alerting.email.password_file", "is required with username or auth, or password_env")
	}
	if dir := s.Templates.Value; dir != "" {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			faults.add(s.Templates.Line, "alerting.email.templates", "%q is no directory", dir)
		}
	}
	if err := s.TLSConfig.Validate(); err != nil {
		faults.add(s.Smarthost.Line, "alerting.email.tls_config", "%s", err)
	}
	span := func(key string, given *Duration, into *time.Duration) {
		if given == nil {
			return
		}
		*into = time.Duration(*given)
		if *into < 0 || *into > 24*time.Hour {
			faults.add(s.Smarthost.Line, "alerting.email."+key, "must be between 0s and 1d, not %s", *into)
		}
		if *into == 0 {
			*into = -1 // not at all; 0 would be the default
		}
	}
	span("wait", s.Wait, &e.Wait)
	span("interval", s.Interval, &e.Interval)
	if e.Reminder < 0 || e.Reminder > 0 && e.Reminder < time.Minute {
		faults.add(s.Smarthost.Line, "alerting.email.reminder", "must be 0s for none, or at least 1m, not %s", e.Reminder)
	}
	return e
}

// oneOf reads a word, the first of those allowed if there is none.
func oneOf(faults *Faults, n *yaml.Node, path string, allowed []string) string {
	if n.Value == "" {
		return allowed[0]
	}
	if !slices.Contains(allowed, n.Value) {
		faults.add(n.Line, path, "%q must be one of %s", n.Value, strings.Join(allowed, ", "))
	}
	return n.Value
}

func mailAddress(faults *Faults, n *yaml.Node, path string) string {
	address, err := prober.ParseEmail(n.Value)
	if err != nil {
		faults.add(n.Line, path, "%q: %s", n.Value, err)
	}
	return address
}
