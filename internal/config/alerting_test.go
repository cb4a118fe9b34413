package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/config"
)

func TestAlerting(t *testing.T) {
	dir := t.TempDir()
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := parsed(t, `
alerting:
  external_url: http://monitor.example.org:10115/
  heartbeat: {url: "https://hc.example.org/ping", interval: 1m}
  email:
    smarthost: smtp.example.org:587
    tls: starttls
    auth: login
    username: me
    password_file: `+password+`
    from: health@example.org
    to: [me@example.org, you@Example.org]
    hello: monitor.example.org
    tls_config: {server_name: smtp}
    templates: `+dir+`
    wait: 0s
    interval: 10m
    reminder: 1d
`)
	want := Alerting{
		ExternalURL: "http://monitor.example.org:10115", HeartbeatURL: "https://hc.example.org/ping", HeartbeatInterval: time.Minute,
		Email: &Email{
			Smarthost: "smtp.example.org:587", Host: "smtp.example.org", Port: 587, TLS: "starttls", Auth: "login", Username: "me",
			PasswordFile: password, From: "health@example.org",
			To: []string{"me@example.org", "you@example.org"}, Hello: "monitor.example.org", TLSConfig: config.TLSConfig{ServerName: "smtp"},
			Templates: dir, Wait: -1, Interval: 10 * time.Minute, Reminder: 24 * time.Hour,
		},
	}
	if diff := cmp.Diff(want, c.Alerting); diff != "" {
		t.Error(diff)
	}
	if got, err := c.Alerting.Email.Password(); err != nil || got != "hunter2" {
		t.Errorf("%q %v", got, err)
	}
	short := parsed(t, "alerting: {email: {smarthost: 'localhost:25', from: a@example.org, to: [b@example.org]}}").Alerting.Email
	if short.TLS != "starttls" || short.Auth != "auto" || short.Wait != 5*time.Second || short.Interval != time.Minute || short.Reminder != 0 {
		t.Errorf("%+v", short)
	}
	if got := parsed(t, "alerting: {alertmanagers: ['http://a:9093/', 'http://b:9093']}").Alerting.Alertmanagers; len(got) != 2 || got[0].At() != "http://a:9093" {
		t.Errorf("%+v", got)
	}
}

func TestGmailToken(t *testing.T) { // S1.44
	const text = "alerting: {email: {smarthost: 'smtp.gmail.com:587', auth: xoauth2, from: me@gmail.com, to: [me@gmail.com]}}"
	t.Setenv(GmailTokenVariable, "")
	if _, err := parse("c.yml", []byte(text)); err == nil || !strings.Contains(err.Error(), "password_file: is required") {
		t.Errorf("without a token: %v", err)
	}
	t.Setenv(GmailTokenVariable, "token")
	e := parsed(t, text).Alerting.Email
	if got, err := e.Password(); err != nil || got != "token" || e.Username != "me@gmail.com" || e.Auth != "xoauth2" {
		t.Errorf("%q %v, %+v", got, err, e)
	}
}

func TestFaultsOfAlerting(t *testing.T) {
	const good = "smarthost: 'localhost:25', from: a@example.org, to: [b@example.org]"
	for text, want := range map[string]string{
		"{email: {}}": `alerting.email.smarthost: "" is not a valid host:port`,
		"{email: {smarthost: localhost, from: a@example.org, to: [b@example.org]}}":                        `alerting.email.smarthost: "localhost" is not a valid host:port, such as smtp.example.org:587`,
		"{email: {smarthost: 'localhost:25', to: [b@example.org]}}":                                        "alerting.email.from: ",
		"{email: {smarthost: 'localhost:25', from: a@example.org}}":                                        "alerting.email.to: is required",
		"{email: {smarthost: 'localhost:25', from: a@example.org, to: ['Evil <b@example.org>']}}":          "alerting.email.to[0]: ",
		"{email: {" + good + ", tls: ssl}}":                                                                `alerting.email.tls: "ssl" must be one of starttls, tls, none`,
		"{email: {" + good + ", auth: ntlm}}":                                                              `alerting.email.auth: "ntlm" must be one of auto, plain, login, cram-md5, xoauth2, none`,
		"{email: {" + good + ", username: me}}":                                                            "alerting.email.password_file: is required with username",
		"{email: {" + good + ", password_file: a, password_env: b}}":                                       "alerting.email.password_file: must be empty when",
		"{email: {" + good + ", templates: /nowhere}}":                                                     `alerting.email.templates: "/nowhere" is not a directory`,
		"{email: {" + good + ", interval: 2d}}":                                                            "alerting.email.interval: must be between 0s and 1d",
		"{email: {" + good + ", reminder: 1s}}":                                                            "alerting.email.reminder: must be 0s for none, or at least 1m",
		"{email: {" + good + ", pasword_file: x}}":                                                         `alerting.email.pasword_file: unknown key; did you mean "password_file"?`,
		"{email: {" + good + "}, alertmanagers: ['http://a:9093']}":                                        "alerting.alertmanagers: cannot be used together with email",
		"{alertmanagers: [a]}":                                                                             `alerting.alertmanagers[0]: "a" is not a valid URL`,
		"{alertmanagers: ['http://a', 'http://a/']}":                                                       `alerting.alertmanagers[1]: "http://a/" is given twice`,
		"{alertmanagers: ['http://u:hunter2@a:9093']}":                                                     "alerting.alertmanagers[0]: must not have a user or password",
		"{alertmanagers: ['http://a:9093?token=hunter2']}":                                                 "alerting.alertmanagers[0]: must have no query and no fragment",
		"{alertmanagers: ['http://a:9093?']}":                                                              "alerting.alertmanagers[0]: must have no query and no fragment",
		"{alertmanagers: ['http://a:9093/#hunter2']}":                                                      "alerting.alertmanagers[0]: must have no query and no fragment",
		"{alertmanagers: ['http://a:9093/#']}":                                                             "alerting.alertmanagers[0]: must have no query and no fragment",
		"{alertmanagers: ['ftp://a']}":                                                                     `alerting.alertmanagers[0]: "ftp://a" is not a valid URL`,
		"{alertmanagers: ['http://']}":                                                                     `alerting.alertmanagers[0]: "http:" is not a valid URL`,
		"{alertmanagers: [{url: 'http://u@a'}]}":                                                           "alerting.alertmanagers[0].url: must not have a user or password",
		"{alertmanagers: [{path_prefix: /x}]}":                                                             `alerting.alertmanagers[0].url: "" is not a valid URL`,
		"{alertmanagers: [{url: 'http://a', path_prefix: '/x?y'}]}":                                        "alerting.alertmanagers[0].path_prefix: ",
		"{alertmanagers: [{url: 'http://a', path_prefx: /x}]}":                                             `did you mean "path_prefix"?`,
		"{alertmanagers: ['http://a/x', {url: 'http://a', path_prefix: /x/}]}":                             `alerting.alertmanagers[1]: "http://a/x/" is given twice`,
		"{alertmanagers: [{url: 'http://a', basic_auth: {username: a}, authorization: {credentials: b}}]}": "alerting.alertmanagers[0]: at most one of",
		"{external_url: 'http://u:hunter2@a'}":                                                             "alerting.external_url: must not have a user or password",
		"{external_url: 'http://a/?token=hunter2'}":                                                        "alerting.external_url: must have no query",
		"{heartbeat: {url: 'ftp://x/hunter2'}}":                                                            `alerting.heartbeat.url: "ftp://x/<secret>" is not a valid URL`,
		"{external_url: here}":                                                                             `alerting.external_url: "here" is not a valid URL`,
		"{heartbeat: {url: x}}":                                                                            `alerting.heartbeat.url: "x" is not a valid URL`,
		"{heartbeat: {url: 'http://x', interval: 1s}}":                                                     "alerting.heartbeat.interval: must be between 10s and 1d",
	} {
		if _, err := parse("c.yml", []byte("alerting: "+text)); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s:\n%v\nwant %s", text, err, want)
		}
	}
}

// TestEmailInAlertmanagersWords: a section of Alertmanager's configuration means what it
// means there.
func TestEmailInAlertmanagersWords(t *testing.T) {
	t.Setenv("SMTP_PASSWORD", "x")
	e := parsed(t, `
alerting:
  email:
    smarthost: smtp.example.org:587
    from: health@example.org
    to: "me@example.org, o'brien@NAS"
    auth_username: me
    auth_password: hunter2
    require_tls: true
`).Alerting.Email
	if got, err := e.Password(); err != nil || got != "hunter2" || !e.HasPassword() {
		t.Errorf("the password is %q, %v", got, err)
	}
	if e.Username != "me" || e.TLS != "starttls" || !cmp.Equal([]string(e.To), []string{"me@example.org", "o'brien@nas"}) {
		t.Errorf("%+v", e)
	}
	const section = "alerting: {email: {from: a@example.org, to: b@example.org, smarthost: "
	for text, want := range map[string]string{
		"'localhost:25', require_tls: false": "none", "'localhost:25', require_tls: true": "starttls", "'localhost:25'": "starttls",
		"'localhost:465', require_tls: true": "tls", "'localhost:465', require_tls: false": "tls", "'localhost:465'": "tls",
		"'localhost:465', tls: starttls": "starttls",
	} {
		if got := parsed(t, section+text+"}}").Alerting.Email.TLS; got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"'localhost:25', require_tls: true, tls: none":                               "alerting.email.require_tls: cannot be used together with tls",
		"'localhost:25', auth_username: a, username: b, password_env: SMTP_PASSWORD": "alerting.email.auth_username: cannot be used together with username",
		"'localhost:25', auth_password_file: a, password_file: b":                    "alerting.email.auth_password_file: cannot be used together with password_file",
		"'localhost:25', auth_password: hunter2, password_file: b":                   "alerting.email.auth_password: cannot be used together",
		"'localhost:25', auth_username: a":                                           "alerting.email.password_file: is required with username",
		"'localhost:25', require_tls: maybe":                                         "alerting.email.require_tls: ",
	} {
		if _, err := parse("c.yml", []byte(section+text+"}}")); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"'a@x.org, '": "alerting.email.to[1]: ", "'a@x.org b@x.org'": "alerting.email.to[0]: ", "{a: b}": "alerting.email.to: must be a list", "''": "alerting.email.to[0]: ", "7": "alerting.email.to[0]: ",
	} {
		if _, err := parse("c.yml", []byte("alerting: {email: {from: a@example.org, smarthost: 'localhost:25', to: "+text+"}}")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("to: %s: %v, want %s", text, err, want)
		}
	}
}

func TestAlertmanagers(t *testing.T) {
	file := filepath.Join(writeFiles(t, map[string]string{"p": "secret"}), "p")
	got := parsed(t, `
alerting:
  alertmanagers:
  - http://a:9093/
  - {url: "https://b/", path_prefix: /am/, basic_auth: {username: me, password_file: `+file+`}, tls_config: {server_name: c}}
  - {url: "https://d", authorization: {credentials: t}}
`).Alerting.Alertmanagers
	want := []Alertmanager{
		{URL: "http://a:9093/"},
		{
			URL: "https://b/", PathPrefix: "/am/", BasicAuth: &config.BasicAuth{Username: "me", PasswordFile: file},
			TLSConfig: config.TLSConfig{ServerName: "c"},
		},
		{URL: "https://d", Authorization: &config.Authorization{Type: "Bearer", Credentials: "t"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var places []string
	for i := range got {
		places = append(places, got[i].At())
	}
	if diff := cmp.Diff([]string{"http://a:9093", "https://b/am", "https://d"}, places); diff != "" {
		t.Error(diff)
	}
}

func TestMaintenance(t *testing.T) {
	c := parsed(t, `
maintenance:
- {name: move, targets: [nas, "web-*"], groups: [home], start: 2026-12-24T17:00:00Z, end: 2026-12-24T20:00:00+01:00}
- {name: backups, days: [Sunday, monday], from: "22:30", to: "04:00", timezone: UTC}
`)
	if len(c.Maintenance) != 2 {
		t.Fatalf("%+v", c.Maintenance)
	}
	once, weekly := c.Maintenance[0], c.Maintenance[1]
	if once.Weekly || once.End.Sub(once.Start) != 2*time.Hour || len(once.Targets) != 2 || once.Groups[0] != "home" {
		t.Errorf("%+v", once)
	}
	if !weekly.Weekly || weekly.From != 22*time.Hour+30*time.Minute || weekly.To != 4*time.Hour || len(weekly.Days) != 2 || weekly.Days[1] != time.Monday {
		t.Errorf("%+v", weekly)
	}
	for text, want := range map[string]string{
		"{name: a}": `maintenance[0].start: "" is not a valid time`,
		"{start: 2026-01-01T00:00:00Z, end: 2026-01-01T00:00:00Z}":                 "maintenance[0].end: is not after start",
		"{start: tomorrow, end: 2026-01-01T00:00:00Z}":                             `"tomorrow" is not a valid time, such as`,
		"{from: '25:00', to: '02:00'}":                                             `maintenance[0].from: "25:00" is not a valid time of day`,
		"{from: '02:00'}":                                                          `maintenance[0].to: "" is not a valid time of day`,
		"{from: '02:00', to: '02:00'}":                                             "must be another time than from",
		"{from: '02:00', to: '03:00', days: [someday]}":                            `maintenance[0].days: "someday" is not a day of the week, such as monday`,
		"{from: '02:00', to: '03:00', timezone: Mars}":                             `maintenance[0].timezone: "Mars" is not a valid time zone`,
		"{from: '02:00', to: '03:00', start: 2026-01-01T00:00:00Z}":                "give one or the other",
		"{days: [monday], start: 2026-01-01T00:00:00Z, end: 2026-01-02T00:00:00Z}": "maintenance[0].days: needs from and to",
		"{targets: [''], from: '02:00', to: '03:00'}":                              `maintenance[0].targets: "" is not a valid name or pattern`,
		"{targets: [[a]], from: '02:00', to: '03:00'}":                             `maintenance[0].targets: a list is not a valid name or pattern`,
	} {
		if _, err := parse("c.yml", []byte("maintenance: ["+text+"]")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n%v\nwant %s", text, err, want)
		}
	}
}
