package config

import (
	"cmp"
	"fmt"
	"net"
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

// GmailTokenVariable is the environment variable with the password, or token, for
// Gmail's server if nothing else is given.
const GmailTokenVariable = "HEALTH_EXPORTER_GMAIL_TOKEN"

const gmailHost = "smtp.gmail.com"

// Email is how to mail. A new key is a field here, and a line where it is used.
type Email struct {
	// Smarthost is Host and Port.
	Smarthost string `yaml:"smarthost"`
	Host      string `yaml:"-"`
	Port      int    `yaml:"-"`
	// TLS is starttls, tls or none.
	TLS string `yaml:"tls"`
	// Auth is auto, plain, login, cram-md5, xoauth2 or none.
	Auth     string `yaml:"auth"`
	Username string `yaml:"username"`
	// PasswordFile and PasswordEnv are where Password reads it, unless AuthPassword is it.
	PasswordFile string           `yaml:"password_file"`
	PasswordEnv  string           `yaml:"password_env"`
	AuthPassword config.Secret    `yaml:"auth_password"`
	From         string           `yaml:"from"`
	To           recipients       `yaml:"to"`
	Hello        string           `yaml:"hello"`
	TLSConfig    config.TLSConfig `yaml:"tls_config"`
	// Templates is a directory with the operator's own; empty for the shipped ones.
	Templates string `yaml:"templates"`
	// Wait, Interval and Reminder are how long changes are collected, the least time
	// between two mails to the same recipient, and how often an outage is told again.
	// The former two are negative for not at all.
	Wait     time.Duration `yaml:"wait"`
	Interval time.Duration `yaml:"interval"`
	Reminder time.Duration `yaml:"reminder"`

	// These are Alertmanager's words for Username, PasswordFile and TLS, where they end.
	AuthUsername     string `yaml:"auth_username"`
	AuthPasswordFile string `yaml:"auth_password_file"`
	RequireTLS       *bool  `yaml:"require_tls"`
}

var (
	tlsModes  = []string{"starttls", "tls", "none"}
	authModes = []string{"auto", "plain", "login", "cram-md5", "xoauth2", "none"}
)

// HasPassword reports whether one is given.
func (e *Email) HasPassword() bool { return e.AuthPassword != "" || e.secret() != (secret{}) }

// Password is read anew each time: it may have changed.
func (e *Email) Password() (string, error) {
	if e.AuthPassword != "" {
		return string(e.AuthPassword), nil
	}
	return e.secret().read()
}

func (e *Email) secret() secret { return secret{e.PasswordFile, e.PasswordEnv} }

// buildEmail decodes the section at the path, and completes and checks it.
func buildEmail(d *decoder, n *yaml.Node, path string) *Email {
	e := &Email{Wait: 5 * time.Second, Interval: time.Minute}
	if d.Decode(n, path, e) {
		namedFiles(n, path, "", d.Faults.Add)
	}
	fault := func(key, format string, args ...any) {
		d.Faults.Add(strictyaml.LineOf(n, key, n.Line), strictyaml.Join(path, key), format, args...)
	}
	e.translate(fault)
	e.server(fault)
	e.addresses(fault)
	e.login(fault)
	e.times(fault)
	if info, err := os.Stat(e.Templates); e.Templates != "" && (err != nil || !info.IsDir()) {
		fault("templates", "%q is not a directory", e.Templates)
	}
	return e
}

// faultFunc adds a fault of a key.
type faultFunc func(key, format string, args ...any)

func (e *Email) server(fault faultFunc) {
	host, port, err := net.SplitHostPort(e.Smarthost)
	number, errPort := strconv.ParseUint(port, 10, 16)
	if err != nil || errPort != nil || host == "" || number == 0 {
		fault("smarthost", "%q is not a valid host:port, such as smtp.example.org:587", prober.WithoutLogin(e.Smarthost))
	}
	e.Host, e.Port = host, int(number)
	if e.TLS == "" && number == 465 {
		e.TLS = "tls" // whoever answers there speaks nothing else
	}
	oneOf(fault, "tls", &e.TLS, tlsModes)
	if err := e.TLSConfig.Validate(); err != nil {
		fault("tls_config", "%s", err)
	}
}

func (e *Email) addresses(fault faultFunc) {
	address := func(key string, text *string) {
		parsed, err := prober.ParseEmail(*text)
		if err != nil {
			fault(key, "%s", err)
		}
		*text = parsed
	}
	address("from", &e.From)
	for i := range e.To {
		address(fmt.Sprintf("to[%d]", i), &e.To[i])
	}
	if len(e.To) == 0 {
		fault("to", "is required: who is told of targets that name nobody")
	}
}

func (e *Email) login(fault faultFunc) {
	oneOf(fault, "auth", &e.Auth, authModes)
	if e.secret().given("Password", false) != nil {
		fault("password_file", "must be empty when password_env is given")
	}
	if e.AuthPassword != "" && e.secret() != (secret{}) {
		fault("auth_password", "cannot be used together with a file or variable of it")
	}
	if e.Host == gmailHost {
		if !e.HasPassword() && os.Getenv(GmailTokenVariable) != "" {
			e.PasswordEnv = GmailTokenVariable
		}
		if e.Username == "" {
			e.Username = e.From
		}
	}
	if !e.HasPassword() && (e.Username != "" || e.Auth != "auto" && e.Auth != "none") {
		fault("password_file", "is required with username or auth, or password_env")
	}
}

func (e *Email) times(fault faultFunc) {
	span := func(key string, d *time.Duration) {
		if *d < 0 || *d > 24*time.Hour {
			fault(key, "must be between 0s and 1d, not %s", *d)
		}
		if *d == 0 {
			*d = -1
		}
	}
	span("wait", &e.Wait)
	span("interval", &e.Interval)
	if e.Reminder < 0 || e.Reminder > 0 && e.Reminder < time.Minute {
		fault("reminder", "must be 0s for none, or at least 1m, not %s", e.Reminder)
	}
}

// oneOf checks a word; it is the first of those allowed if there is none.
func oneOf(fault faultFunc, key string, word *string, allowed []string) {
	if *word = cmp.Or(*word, allowed[0]); !slices.Contains(allowed, *word) {
		fault(key, "%q must be one of %s", *word, strings.Join(allowed, ", "))
	}
}
