package client

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/health-exporter/health_exporter/client/api"
)

// App is a program that wants to be polled. Name, and URL or Address, are required; zero
// fields leave the exporter's defaults.
type App struct {
	// Name identifies the program: 1 to 128 printable characters.
	Name string
	// URL is an absolute http or https URL. The exporter asks for its path + /health.
	URL string
	// Address is what to probe in place of a URL, such as 10.0.0.7:5432, for modules that
	// take one.
	Address string
	// Email is who is notified of changes. The exporter mails only addresses that its
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
	// DegradedAfter is how many failures in a row make it DEGRADED: at least 1, and less
	// than Unhealthy; default 1.
	DegradedAfter int
	// ValidStatusCodes are those that are a pass, such as "204", "2xx" and "200-399"; none
	// leaves it to the module, which is 200 for health.
	ValidStatusCodes []string
	// InitialDelay is the time to the first probe, in whole seconds: 0 to 300 s; nil
	// means one interval.
	InitialDelay *time.Duration
	// TTL is how long the registration counts unless it is renewed, in whole seconds:
	// 30 s to 24 h; 0 for ever. It is renewed at every third of it, or more often. A program that ends
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
	// DependsOn, at most ten, are targets or checks without which the program cannot be
	// well: while one of them is down, nobody is notified of the program.
	DependsOn []string
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
	maxDependsOn               = 10
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
	switch fault := urlFault(a.URL); {
	case a.Address != "" && a.URL != "":
		add("Address", "is %q, must not be given together with URL", a.Address)
	case a.Address != "":
	case fault != "":
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
	if a.DegradedAfter < 0 || a.DegradedAfter > 0 && a.Unhealthy > 0 && a.DegradedAfter >= a.Unhealthy {
		add("DegradedAfter", "is %d, must be at least 1 and less than Unhealthy", a.DegradedAfter)
	}
	if len(a.ValidStatusCodes) > api.MaxStatusCodes {
		add("ValidStatusCodes", "are %d, at most %d are allowed", len(a.ValidStatusCodes), api.MaxStatusCodes)
	}
	if len(a.DependsOn) > maxDependsOn {
		add("DependsOn", "are %d, at most %d are allowed", len(a.DependsOn), maxDependsOn)
	}
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
		return fmt.Sprintf("%q is not an absolute URL, such as http://10.0.0.7:8080", text)
	case u.User != nil:
		return "has a user or password, which would be shown to everybody"
	case u.Fragment != "":
		return fmt.Sprintf("%q has a fragment (#), which is never sent", text)
	}
	return ""
}

// registration is the App as the exporter's API has it.
func (a *App) registration() *api.Registration {
	r := &api.Registration{
		App: a.Name, URL: a.URL, Address: a.Address, Module: a.Module, Email: given(a.Email), Group: a.Group, Labels: a.Labels,
		DependsOn: a.DependsOn, Interval: seconds(a.Interval), Timeout: seconds(a.Timeout), TTL: seconds(a.TTL),
		Unhealthy: given(a.Unhealthy), Healthy: given(a.Healthy), DegradedAfter: given(a.DegradedAfter), FastStart: given(a.FastStart),
		ValidStatusCodes: a.ValidStatusCodes,
	}
	if a.InitialDelay != nil {
		r.InitialDelay = api.NewSeconds(*a.InitialDelay)
	}
	return r
}

// given is nil for what is zero, which leaves the exporter's default.
func given[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func seconds(d time.Duration) *api.Seconds {
	if d == 0 {
		return nil
	}
	return api.NewSeconds(d)
}
