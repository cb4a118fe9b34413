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
	if got := parsed(t, "alerting: {alertmanagers: ['http://a:9093/', 'http://b:9093']}").Alerting.Alertmanagers; len(got) != 2 || got[0] != "http://a:9093" {
		t.Errorf("%q", got)
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
		"{email: {smarthost: localhost, from: a@example.org, to: [b@example.org]}}":               `alerting.email.smarthost: "localhost" is not a valid host:port, such as smtp.example.org:587`,
		"{email: {smarthost: 'localhost:25', to: [b@example.org]}}":                               "alerting.email.from: ",
		"{email: {smarthost: 'localhost:25', from: a@example.org}}":                               "alerting.email.to: is required",
		"{email: {smarthost: 'localhost:25', from: a@example.org, to: ['Evil <b@example.org>']}}": "alerting.email.to[0]: ",
		"{email: {" + good + ", tls: ssl}}":                                                       `alerting.email.tls: "ssl" must be one of starttls, tls, none`,
		"{email: {" + good + ", auth: ntlm}}":                                                     `alerting.email.auth: "ntlm" must be one of auto, plain, login, cram-md5, xoauth2, none`,
		"{email: {" + good + ", username: me}}":                                                   "alerting.email.password_file: is required with username",
		"{email: {" + good + ", password_file: a, password_env: b}}":                              "alerting.email.password_file: must be empty when",
		"{email: {" + good + ", templates: /nowhere}}":                                            `alerting.email.templates: "/nowhere" is not a directory`,
		"{email: {" + good + ", interval: 2d}}":                                                   "alerting.email.interval: must be between 0s and 1d",
		"{email: {" + good + ", reminder: 1s}}":                                                   "alerting.email.reminder: must be 0s for none, or at least 1m",
		"{email: {" + good + ", pasword_file: x}}":                                                `alerting.email.pasword_file: unknown key; did you mean "password_file"?`,
		"{email: {" + good + "}, alertmanagers: ['http://a:9093']}":                               "alerting.alertmanagers: cannot be used together with email",
		"{alertmanagers: [a]}":                                                                    `alerting.alertmanagers[0]: "a" is not a valid URL`,
		"{alertmanagers: ['http://a', 'http://a/']}":                                              `alerting.alertmanagers[1]: "http://a/" is given twice`,
		"{external_url: here}":                                                                    `alerting.external_url: "here" is not a valid URL`,
		"{heartbeat: {url: x}}":                                                                   `alerting.heartbeat.url: "x" is not a valid URL`,
		"{heartbeat: {url: 'http://x', interval: 1s}}":                                            "alerting.heartbeat.interval: must be between 10s and 1d",
	} {
		if _, err := parse("c.yml", []byte("alerting: "+text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n%v\nwant %s", text, err, want)
		}
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
