package prober

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/health-exporter/health_exporter/internal/mailaddress"
)

// Limits are the ranges that a target's figures must lie in, inclusive.
type Limits struct {
	MinInterval, MaxInterval   time.Duration
	MinTimeout, MaxTimeout     time.Duration
	MinThreshold, MaxThreshold int
	MaxInitialDelay            time.Duration
	MinTTL, MaxTTL             time.Duration // of targets that have one
	// InSeconds words durations as plain seconds, as the API's JSON has them.
	InSeconds bool
}

// RegistrationLimits bind targets that register themselves (S1.8 to S1.11).
func RegistrationLimits() Limits {
	return Limits{
		MinInterval: 5 * time.Second, MaxInterval: 300 * time.Second,
		MinTimeout: 2 * time.Second, MaxTimeout: 60 * time.Second,
		MinThreshold: 2, MaxThreshold: 10,
		MaxInitialDelay: 300 * time.Second, InSeconds: true,
		// Renewing three times in the least is as much as one probe in the default interval.
		MinTTL: 30 * time.Second, MaxTTL: 24 * time.Hour,
	}
}

// FileLimits bind targets that the operator wrote down.
func FileLimits() Limits {
	return Limits{
		MinInterval: time.Second, MaxInterval: 24 * time.Hour,
		MinTimeout: 100 * time.Millisecond, MaxTimeout: time.Hour,
		MinThreshold: 1, MaxThreshold: 100,
		MaxInitialDelay: 24 * time.Hour,
	}
}

const (
	maxAppRunes  = 128
	maxURLBytes  = 2048
	maxLabels    = 10
	maxLabelText = 128
)

// Validate completes the target (an omitted scheme, lower-case mail domain) and
// returns all its faults. kindOf tells the kind of a module by its name.
func (t *Target) Validate(l Limits, kindOf func(module string) (Kind, bool)) []*FieldError {
	v := validation{}
	v.app(t.App)
	v.place(t, kindOf)
	v.duration("interval", t.Interval, l.MinInterval, l.MaxInterval, l)
	v.duration("timeout", t.Timeout, l.MinTimeout, l.MaxTimeout, l)
	v.number("unhealthy", t.Unhealthy, l.MinThreshold, l.MaxThreshold)
	v.number("healthy", t.Healthy, l.MinThreshold, l.MaxThreshold)
	if t.DegradedAfter != 0 && (t.DegradedAfter < 1 || t.DegradedAfter >= max(t.Unhealthy, 2)) {
		v.fault("degraded_after", "must be at least 1 and less than unhealthy (%d), not %d", t.Unhealthy, t.DegradedAfter)
	}
	if t.InitialDelay != nil {
		v.duration("initial_delay", *t.InitialDelay, 0, l.MaxInitialDelay, l)
	}
	if t.TTL != 0 {
		v.duration("ttl", t.TTL, l.MinTTL, l.MaxTTL, l)
	}
	if t.Email != "" {
		address, err := ParseEmail(t.Email)
		if err != nil {
			v.fault("email", "%s", err)
		}
		t.Email = address
	}
	for i, r := range t.StatusCodes {
		if r.odd() {
			v.fault(fmt.Sprintf("valid_status_codes[%d]", i), "%s is not a status code (200), class (2xx) or range (200-399) within 100 to 999", r)
		}
	}
	v.text("group", t.Group)
	v.dependsOn(t.DependsOn, t.App)
	v.labels(t.Labels)
	return v.faults
}

type validation struct{ faults []*FieldError }

func (v *validation) fault(path, format string, args ...any) {
	v.faults = append(v.faults, &FieldError{path, fmt.Sprintf(format, args...)})
}

func (v *validation) app(app string) {
	switch {
	case app == "":
		v.fault("app", "is required")
	case !utf8.ValidString(app) || strings.ContainsFunc(app, NotPrintable):
		v.fault("app", "%q must be printable UTF-8", app)
	case utf8.RuneCountInString(app) > maxAppRunes:
		v.fault("app", "must have at most %d characters, not %d", maxAppRunes, utf8.RuneCountInString(app))
	case strings.TrimSpace(app) != app:
		v.fault("app", "%q must not begin or end with a space", app)
	case strings.Contains(app, "/"), app == ".", app == "..":
		v.fault("app", `%q must not contain "/" nor be "." or ".."`, app)
	}
}

func (v *validation) place(t *Target, kindOf func(string) (Kind, bool)) {
	kind, known := kindOf(t.ModuleName())
	if !known {
		v.fault("module", "unknown module %q", t.Module)
	}
	switch {
	case t.URL == "" && t.Address == "":
		v.fault("url", "is required")
	case t.URL != "" && t.Address != "":
		v.fault("address", "must not be given together with url")
	case t.URL == "" && kind.NeedsURL():
		v.fault("url", "is required by modules of kind %s; address is for other kinds", kind)
	case kind.TakesURL() && hasUserinfo(t.Place()): // as it was written: a scheme would hide it
		field := "address"
		if t.URL != "" {
			field = "url"
		}
		v.fault(field, userinfoFault)
	case t.URL != "" && kind.TakesURL():
		t.URL = withScheme(t.URL)
		v.url("url", t.URL)
	case kind.TakesURL(): // which is what the probe will make of it
		v.url("address", withScheme(t.Address))
	default:
		field := "address"
		if t.URL != "" {
			field = "url"
		}
		switch place := t.Place(); {
		case len(place) > maxURLBytes || strings.ContainsFunc(place, NotPrintable):
			v.fault(field, "must be printable and at most %d bytes long", maxURLBytes)
		case hasUserinfo(place):
			v.fault(field, userinfoFault)
		default:
			v.shape(field, place, kind)
		}
	}
}

// shape sees whether the kind can make something of the place.
func (v *validation) shape(field, place string, kind Kind) {
	shape := kinds[kind].place
	if shape == nil {
		return
	}
	if wrong := shape(place); wrong != "" {
		v.fault(field, "%q %s", WithoutLogin(place), wrong)
	}
}

var hasScheme = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*://`)

func withScheme(place string) string {
	if hasScheme.MatchString(place) {
		return place
	}
	return "http://" + place
}

func (v *validation) url(field, text string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || strings.ContainsFunc(text, NotPrintable):
		v.fault(field, "%q is not a valid url", WithoutLogin(text))
	case len(text) > maxURLBytes:
		v.fault(field, "must be at most %d bytes long", maxURLBytes)
	case u.Scheme != "http" && u.Scheme != "https":
		v.fault(field, "%q must begin with http:// or https://", WithoutLogin(text))
	case u.Hostname() == "":
		v.fault(field, "%q has no host", WithoutLogin(text))
	case u.User != nil:
		v.fault(field, userinfoFault)
	case u.Fragment != "":
		v.fault(field, "%q must not have a fragment (#…)", WithoutLogin(text))
	case u.Port() != "" && !validPort(u.Port()):
		v.fault(field, "%q has no valid port, must be 1 to 65535", WithoutLogin(text))
	default:
		if wrong := hostFault(u.Hostname()); wrong != "" {
			v.fault(field, "%q %s", WithoutLogin(text), wrong)
		}
	}
}

// userinfoFault is for every place: it is shown to whoever may look at the target.
const userinfoFault = "must not contain a user name or password; use a module with basic_auth"

func validPort(port string) bool {
	n, err := strconv.Atoi(port)
	return err == nil && n >= 1 && n <= 65535
}

// maxDependsOn is how many others a target may depend on.
const maxDependsOn = 10

func (v *validation) dependsOn(names []string, own string) {
	if len(names) > maxDependsOn {
		v.fault("depends_on", "has %d names, at most %d are allowed", len(names), maxDependsOn)
	}
	for i, name := range names {
		path := fmt.Sprintf("depends_on[%d]", i)
		switch {
		case name == own:
			v.fault(path, "%q is the target itself", name)
		case name == "" || utf8.RuneCountInString(name) > maxAppRunes || !utf8.ValidString(name) || strings.ContainsFunc(name, NotPrintable):
			v.fault(path, "must be the name of a target or check, 1 to %d printable characters, not %q", maxAppRunes, name)
		}
	}
}

// maxNamed is more than any duration that is named where it is wrong.
const maxNamed = 1 << 30 * time.Second

func (v *validation) duration(path string, d, least, most time.Duration, l Limits) {
	switch {
	case d >= least && d <= most:
	case l.InSeconds && d.Abs() >= maxNamed: // was cut to that
		v.fault(path, "must be between %d and %d", int(least.Seconds()), int(most.Seconds()))
	case l.InSeconds:
		v.fault(path, "must be between %d and %d, not %v", int(least.Seconds()), int(most.Seconds()), d.Seconds())
	default:
		v.fault(path, "must be between %s and %s, not %s", shortDuration(least), shortDuration(most), shortDuration(d))
	}
}

// shortDuration leaves the zero parts of a duration away: 1h instead of 1h0m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

func (v *validation) number(path string, n, least, most int) {
	if n < least || n > most {
		v.fault(path, "must be between %d and %d, not %d", least, most, n)
	}
}

func (v *validation) text(path, text string) {
	if utf8.RuneCountInString(text) > maxLabelText || !utf8.ValidString(text) || strings.ContainsFunc(text, NotPrintable) {
		v.fault(path, "must be printable UTF-8 of at most %d characters", maxLabelText)
	}
}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// reservedLabels are the ones that health_target_info or Prometheus itself sets.
var reservedLabels = []string{"target", "url", "module", "source", "group", "email", "state", "job", "instance"}

func (v *validation) labels(labels map[string]string) {
	if len(labels) > maxLabels {
		v.fault("labels", "must be at most %d, not %d", maxLabels, len(labels))
	}
	names := make([]string, 0, len(labels))
	for name := range labels {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		path := "labels." + name
		switch {
		case !labelName.MatchString(name):
			v.fault(path, "%q is not a valid label name: letters, digits and _, not beginning with a digit", name)
		case slices.Contains(reservedLabels, name) || strings.HasPrefix(name, "__"):
			v.fault(path, "the name %q is reserved", name)
		}
		v.text(path, labels[name])
	}
}

// ParseEmail accepts exactly one bare address and returns it with its domain in lower
// case, as mailaddress.Parse does.
func ParseEmail(text string) (string, error) { return mailaddress.Parse(text) }
