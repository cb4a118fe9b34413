package health

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Check is one thing that a program checks about itself. Only Name and Run are required. A
// Checker copies it; the caller must not change the contents of its slices afterwards.
type Check struct {
	// Name identifies the check: 1 to 128 printable characters, unique in its
	// Checker. It becomes a label value and part of a URL, and may have no slash.
	Name string
	// Run makes one attempt: nil is a pass, an error a failure, an error made by Warning a
	// pass with a warning. It must return when ctx is done. Output and measurements are
	// reported with Say and Observe.
	Run func(ctx context.Context) error

	// Timeout bounds one run; default DefaultCheckTimeout. A run that exceeds it has
	// failed, and the next is not started before it returns.
	Timeout time.Duration
	// Interval is the time from one run to the next in the background, while Checker.Run is
	// running; 0 runs the check on demand, when the last result has expired.
	Interval time.Duration
	// InitialDelay is the time before the first run in the background.
	InitialDelay time.Duration
	// PassTTL and FailTTL are how long a result is served from the cache; defaults
	// DefaultPassTTL and DefaultFailTTL, negative for not at all. They are ignored with an
	// Interval.
	PassTTL, FailTTL time.Duration
	// MaxAge is the age from which a result is stale and counts as unknown, which is not
	// enough to be ready; default three intervals and a timeout, or DefaultMaxAge without
	// an interval.
	MaxAge time.Duration

	// Severity says what a failure means for the whole; the zero value is Critical.
	Severity Severity
	// Groups are the groups in which the check counts, such as Live and Ready; none means
	// Ready.
	Groups []string
	// Remote says that the check depends on something outside this process. Such a check is
	// refused in group Live, since a restart repairs nothing but this process.
	Remote bool
	// LiveAnyway allows a remote check in group Live.
	LiveAnyway bool
	// DependsOn names checks that must pass for this one to be meaningful: while one of
	// them fails, it is not run and its outcome is unknown.
	DependsOn []string
	// Hidden keeps the check out of what handlers show, although it counts.
	Hidden bool
	// Thresholds of the check's state; the zero value means their defaults.
	Thresholds Thresholds
}

// Defaults of Check.
const (
	DefaultCheckTimeout = 5 * time.Second
	DefaultPassTTL      = 27 * time.Second
	DefaultFailTTL      = 9 * time.Second
	DefaultMaxAge       = 5 * time.Minute
)

// The groups that have a meaning of their own. Others may be invented.
const (
	// Live is for failures that only a restart of the process can repair.
	Live = "live"
	// Ready is for what the process needs to do its work.
	Ready = "ready"
	// Startup is for what must have passed once.
	Startup = "startup"
)

// Severity says what the failure of a check means for the whole.
type Severity uint8

// The severities.
const (
	// Critical makes the whole fail.
	Critical Severity = iota
	// WarningOnly lets the whole pass, with a warning at most.
	WarningOnly
	// Info does not change the whole.
	Info
)

var severityNames = [...]string{"critical", "warning", "info"}

// String is the lower-case word of the severity.
func (s Severity) String() string { return nameOf(severityNames[:], int(s)) }

// MarshalText renders the severity as its word.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads critical, warning or info, in any case.
func (s *Severity) UnmarshalText(text []byte) error {
	i, err := indexOf(severityNames[:], string(text))
	if err == nil {
		*s = Severity(i)
	}
	return err
}

// complete fills in the defaults and takes over what the caller could change.
func (c Check) complete() Check {
	if c.Timeout == 0 {
		c.Timeout = DefaultCheckTimeout
	}
	if c.PassTTL == 0 {
		c.PassTTL = DefaultPassTTL
	}
	if c.FailTTL == 0 {
		c.FailTTL = DefaultFailTTL
	}
	if c.MaxAge == 0 {
		c.MaxAge = DefaultMaxAge
		if c.Interval > 0 {
			c.MaxAge = 3*c.Interval + c.Timeout
		}
	}
	c.Groups = slices.Clone(c.Groups)
	if len(c.Groups) == 0 {
		c.Groups = []string{Ready}
	}
	c.DependsOn = slices.Clone(c.DependsOn)
	return c
}

// in reports whether the check counts in a group; every one does in the empty group.
func (c *Check) in(group string) bool { return group == "" || slices.Contains(c.Groups, group) }

// faults lists what is wrong with the check itself, each fault with the check's name.
func (c *Check) faults() []error {
	var list []error
	add := func(format string, args ...any) {
		list = append(list, fmt.Errorf("check %q: %s", c.Name, fmt.Sprintf(format, args...)))
	}
	if fault := nameFault(c.Name); fault != "" {
		add("the name %s", fault)
	}
	if c.Run == nil {
		add("there is no function Run")
	}
	for _, span := range []struct {
		name  string
		value time.Duration
	}{{"Timeout", c.Timeout}, {"Interval", c.Interval}, {"InitialDelay", c.InitialDelay}, {"MaxAge", c.MaxAge}} {
		if span.value < 0 {
			add("%s is %s, must not be negative", span.name, span.value)
		}
	}
	for _, group := range c.Groups {
		if fault := nameFault(group); fault != "" {
			add("the group %q %s", group, fault)
		}
	}
	if c.Remote && !c.LiveAnyway && slices.Contains(c.Groups, Live) {
		add("it depends on something outside this process and must not be in group live: " +
			"a restart would not mend it (LiveAnyway allows it)")
	}
	if int(c.Severity) >= len(severityNames) {
		add("the severity %d is not one of the constants", c.Severity)
	}
	return list
}

// nameFault says what is wrong with a name; it is empty if nothing is.
func nameFault(name string) string {
	switch {
	case name == "":
		return "is empty"
	case !utf8.ValidString(name):
		return "is not valid UTF-8"
	case utf8.RuneCountInString(name) > maxWordRunes:
		return fmt.Sprintf("has more than %d characters", maxWordRunes)
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "has a character that cannot be printed"
	case strings.Contains(name, "/"):
		return "has a slash"
	}
	return ""
}

// dependencyFaults checks that the dependencies of all checks exist and have no cycle.
func dependencyFaults(checks []*Check) []error {
	var list []error
	byName := map[string]*Check{}
	for _, c := range checks {
		byName[c.Name] = c
	}
	for _, c := range checks {
		for _, name := range c.DependsOn {
			if byName[name] == nil {
				list = append(list, fmt.Errorf("check %q: depends on unknown check %q", c.Name, name))
			}
		}
	}
	done := map[*Check]bool{}
	for _, c := range checks {
		if circle := circleFrom(c, byName, done, nil); circle != nil {
			list = append(list, errors.New("checks depend on each other in a circle: "+strings.Join(circle, " → ")))
			return list
		}
	}
	return list
}

// circleFrom finds a cycle in the dependencies of c. path is the way from the first check
// to c.
func circleFrom(c *Check, byName map[string]*Check, done map[*Check]bool, path []string) []string {
	if c == nil || done[c] {
		return nil
	}
	if i := slices.Index(path, c.Name); i >= 0 {
		return append(path[i:], c.Name)
	}
	path = append(path, c.Name)
	for _, name := range c.DependsOn {
		if circle := circleFrom(byName[name], byName, done, path); circle != nil {
			return circle
		}
	}
	done[c] = true
	return nil
}
