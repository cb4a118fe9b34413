package cli

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/promslog"
)

// Number is the value of a flag that takes a whole number within a range.
type Number struct {
	Into        *int
	Least, Most int
}

// String is the value as it would be written.
func (n Number) String() string { return strconv.Itoa(*n.Into) }

// Set reads the value; the error says what is allowed.
func (n Number) Set(text string) error {
	value, err := strconv.Atoi(text)
	if err != nil || value < n.Least || value > n.Most {
		return fmt.Errorf("must be a whole number from %d to %d, not %q", n.Least, n.Most, text)
	}
	*n.Into = value
	return nil
}

// LogLevel is the value of a flag that takes a log level, or none.
type LogLevel struct {
	*promslog.Level
	// None means that nothing is to be logged.
	None bool
}

// NewLogLevel makes the value of a flag.
func NewLogLevel() *LogLevel { return &LogLevel{Level: promslog.NewLevel()} }

// Set reads the level.
func (l *LogLevel) Set(text string) error {
	if l.None = strings.EqualFold(text, "none"); l.None {
		return nil
	}
	if err := l.Level.Set(text); err != nil {
		return fmt.Errorf("must be one of debug, info, warn, error, none, not %q", text)
	}
	return nil
}

// Seconds is the value of a flag that takes seconds without a unit.
type Seconds struct {
	Into *time.Duration
}

// String is the value as it would be written.
func (s Seconds) String() string { return fmt.Sprint(s.Into.Seconds()) }

// Set reads the value; the error says what is allowed.
func (s Seconds) Set(text string) error {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || !(value >= 0 && value <= 3600) {
		return fmt.Errorf("must be a number of seconds from 0 to 3600, not %q", text)
	}
	*s.Into = time.Duration(value * float64(time.Second))
	return nil
}

// Duration is the value of a flag that takes a duration with its unit.
type Duration struct {
	Into *time.Duration
}

// String is the value as it would be written.
func (d Duration) String() string { return d.Into.String() }

// Set reads the value; the error says what is allowed.
func (d Duration) Set(text string) error {
	value, err := time.ParseDuration(text)
	if err != nil || value < 0 {
		return fmt.Errorf("must be a duration such as 5s or 1m, not %q", text)
	}
	*d.Into = value
	return nil
}

// URL is the value of a flag that takes an absolute http or https URL.
type URL struct{ parsed *url.URL }

// String is the URL as it was given; empty if it was not.
func (u *URL) String() string {
	if u == nil || u.parsed == nil {
		return ""
	}
	return u.parsed.String()
}

// Path is the path of the URL.
func (u *URL) Path() string {
	if u.parsed == nil {
		return ""
	}
	return u.parsed.Path
}

// Set reads the URL.
func (u *URL) Set(text string) error {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" || parsed.RawQuery != "" || parsed.Fragment != "" {
		return fmt.Errorf("must be a URL such as https://example.org/health/, not %q", text)
	}
	u.parsed = parsed
	return nil
}

// WholeSeconds is the value of a flag that takes a duration of whole seconds, with
// or without its unit.
type WholeSeconds struct {
	Into *time.Duration
}

// String is the value as it would be written.
func (s WholeSeconds) String() string { return s.Into.String() }

// Set reads the value; the error says what is allowed.
func (s WholeSeconds) Set(text string) error {
	value, err := time.ParseDuration(text)
	if n, bad := strconv.ParseInt(text, 10, 32); bad == nil {
		value, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || value < 0 || value%time.Second != 0 {
		return fmt.Errorf("must be whole seconds such as 30s or 1m, not %q", text)
	}
	*s.Into = value
	return nil
}
