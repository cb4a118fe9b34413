package client

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// App is a program that wants to be polled. Name and URL are required; zero fields
// leave the exporter's defaults.
type App struct {
	// Name identifies the program: 1 to 128 printable characters.
	Name string
	// URL is an absolute http or https URL. The exporter asks for its path + /health.
	URL string
	// Email is who wants to know of changes. The exporter mails those only that its
	// operator allows.
	Email string
	// Interval is the time from one probe to the next, in whole seconds: 5 s to 300 s,
	// default 30 s.
	Interval time.Duration
	// Timeout bounds one probe, in whole seconds: 2 s to 60 s, default 5 s.
	Timeout time.Duration
	// Unhealthy is how many failures in a row make the program UNHEALTHY: 2 to 10,
	// default 2.
	Unhealthy int
	// Healthy is how many passes in a row make it HEALTHY: 2 to 10, default 10.
	Healthy int
	// InitialDelay is the time to the first probe, in whole seconds: 0 to 300 s; nil
	// means one interval.
	InitialDelay *time.Duration
	// TTL is how long the registration counts unless it is renewed, in whole seconds:
	// 30 s to 24 h; 0 for ever. It is renewed at every third of it, or oftener. A program that ends
	// without a word is removed when it is over, which the exporter tells.
	TTL time.Duration
	// FastStart lets one pass suffice for the first HEALTHY.
	FastStart bool
	// Group is a heading under which pages show the program.
	Group string
	// Module is the exporter's module to probe with; empty means health.
	Module string
	// Labels, at most ten, are shown on health_target_info.
	Labels map[string]string
}

// The names and ranges of the figures, as the exporter has them.
const (
	minInterval, maxInterval   = 5 * time.Second, 300 * time.Second
	minTimeout, maxTimeout     = 2 * time.Second, 60 * time.Second
	minThreshold, maxThreshold = 2, 10
	maxInitialDelay            = 300 * time.Second
	minTTL, maxTTL             = 30 * time.Second, 24 * time.Hour
	maxLabels                  = 10
	maxNameRunes               = 128
)

// Validate lists all that is wrong with the App, each fault with its field, the
// value and what is allowed.
func (a *App) Validate() error {
	var faults []error
	add := func(field, format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s %s", field, fmt.Sprintf(format, args...)))
	}
	switch {
	case a.Name == "":
		add("Name", "is required")
	case !utf8.ValidString(a.Name), strings.ContainsFunc(a.Name, func(r rune) bool { return !unicode.IsPrint(r) }):
		add("Name", "%q has a character that cannot be printed", a.Name)
	case utf8.RuneCountInString(a.Name) > maxNameRunes:
		add("Name", "has %d characters, at most %d are allowed", utf8.RuneCountInString(a.Name), maxNameRunes)
	}
	if fault := urlFault(a.URL); fault != "" {
		add("URL", "%s", fault)
	}
	span := func(field string, d, least, most time.Duration) {
		switch {
		case d == 0:
		case d < least || d > most:
			add(field, "is %s, must be between %s and %s", d, least, most)
		case d%time.Second != 0:
			add(field, "is %s, must be whole seconds", d)
		}
	}
	span("Interval", a.Interval, minInterval, maxInterval)
	span("Timeout", a.Timeout, minTimeout, maxTimeout)
	span("TTL", a.TTL, minTTL, maxTTL)
	if a.InitialDelay != nil {
		span("InitialDelay", *a.InitialDelay, 0, maxInitialDelay)
	}
	count := func(field string, n int) {
		if n != 0 && (n < minThreshold || n > maxThreshold) {
			add(field, "is %d, must be between %d and %d", n, minThreshold, maxThreshold)
		}
	}
	count("Unhealthy", a.Unhealthy)
	count("Healthy", a.Healthy)
	if len(a.Labels) > maxLabels {
		add("Labels", "are %d, at most %d are allowed", len(a.Labels), maxLabels)
	}
	return errors.Join(faults...)
}

// urlFault says what is wrong with a URL; it is empty if nothing is.
func urlFault(text string) string {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return "is required"
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Sprintf("%q is no absolute URL such as http://10.0.0.7:8080", text)
	case u.User != nil:
		return "has a user or password, which would be shown to everybody"
	case u.Fragment != "":
		return fmt.Sprintf("%q has a fragment (#), which is never sent", text)
	}
	return ""
}

// registration is the App as the exporter's API has it.
type registration struct {
	App          string            `json:"app"`
	URL          string            `json:"url"`
	Email        string            `json:"email,omitempty"`
	Interval     int64             `json:"interval,omitempty"`
	Timeout      int64             `json:"timeout,omitempty"`
	Unhealthy    int               `json:"unhealthy,omitempty"`
	Healthy      int               `json:"healthy,omitempty"`
	InitialDelay *int64            `json:"initial_delay,omitempty"`
	TTL          int64             `json:"ttl,omitempty"`
	FastStart    bool              `json:"fast_start,omitempty"`
	Group        string            `json:"group,omitempty"`
	Module       string            `json:"module,omitempty"`
	Labels       map[string]string `json:"labels,omitempty"`
}

func (a *App) registration() registration {
	r := registration{
		App: a.Name, URL: a.URL, Email: a.Email, Interval: int64(a.Interval / time.Second), Timeout: int64(a.Timeout / time.Second),
		Unhealthy: a.Unhealthy, Healthy: a.Healthy, TTL: int64(a.TTL / time.Second), FastStart: a.FastStart, Group: a.Group, Module: a.Module, Labels: a.Labels,
	}
	if a.InitialDelay != nil {
		seconds := int64(*a.InitialDelay / time.Second)
		r.InitialDelay = &seconds
	}
	return r
}
