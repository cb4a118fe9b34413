package cli

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// The exit codes of Status, as Nagios has them.
const (
	StatusOK       = 0
	StatusWarning  = 1
	StatusCritical = 2
	StatusUnknown  = 3
)

var statusWords = [...]string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}

// Status reports whether all is well, by its first line and its exit code.
type Status struct {
	Exporter
	Terminal
	Filter
}

// Run asks and tells. What keeps it from knowing is said where Nagios reads it.
func (s *Status) Run(ctx context.Context) int {
	defer s.done()
	all, err := s.targets(ctx)
	if err == nil {
		var checks []target
		checks, err = s.checks(ctx)
		all = append(all, checks...)
	}
	var chosen []target
	if err == nil {
		chosen, err = s.choose(all)
	}
	if err != nil {
		if s.JSON {
			s.writeJSON(map[string]any{"status": statusWords[StatusUnknown], "exit_code": StatusUnknown, "error": err.Error()})
		} else {
			fmt.Fprintf(s.Out, "HEALTH %s - %s\n", s.colored(statusWords[StatusUnknown], false), withoutBar(err.Error()))
		}
		return StatusUnknown
	}
	v := judge(chosen, len(all))
	if s.JSON {
		s.writeJSON(map[string]any{
			"status": statusWords[v.code], "exit_code": v.code, "counts": v.counts, "targets": append([]target{}, chosen...),
		})
		return v.code
	}
	fmt.Fprintf(s.Out, "HEALTH %s - %s\n", s.colored(statusWords[v.code], false), v.line())
	s.show(chosen, time.Now())
	return v.code
}

// verdict sums targets up.
type verdict struct {
	code   int
	counts map[string]int
	total  int      // before any were left out
	worst  []string // the names of those that are unhealthy
}

func judge(targets []target, total int) verdict {
	v := verdict{counts: map[string]int{}, total: total}
	for _, name := range StateNames() {
		v.counts[name] = 0
	}
	if total == 0 {
		v.code = StatusWarning
	}
	for _, t := range targets {
		v.counts[strings.ToLower(t.stateWord())]++
		switch {
		case t.Paused, t.Maintenance:
		case t.State == "UNHEALTHY":
			v.code, v.worst = StatusCritical, append(v.worst, t.App)
		case t.State != "HEALTHY":
			v.code = max(v.code, StatusWarning)
		}
	}
	return v
}

// maxNamed is how many targets the first line names.
const maxNamed = 5

// line is what Nagios shows and, after the bar, what it draws.
func (v *verdict) line() string {
	if v.total == 0 {
		return "there are no targets yet, so nothing is monitored"
	}
	var parts, figures []string
	for _, name := range StateNames() {
		n := v.counts[name]
		figures = append(figures, fmt.Sprintf("%s=%d", name, n))
		if n == 0 {
			continue
		}
		part := fmt.Sprintf("%d %s", n, name)
		if name == "unhealthy" {
			part += " (" + v.names() + ")"
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		parts = []string{"no such targets"}
	}
	return strings.Join(parts, ", ") + " | " + strings.Join(figures, " ")
}

func (v *verdict) names() string {
	named := v.worst[:min(len(v.worst), maxNamed)]
	text := withoutBar(strings.Join(named, ", "))
	if more := len(v.worst) - len(named); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// withoutBar keeps a text from ending where Nagios would think it does.
func withoutBar(text string) string { return printable(strings.ReplaceAll(text, "|", "¦")) }

// UsageFault says that Status was called wrongly, as Nagios wants to hear it.
func (s *Status) UsageFault(err error) int {
	fmt.Fprintf(s.Out, "HEALTH %s - %s\n", statusWords[StatusUnknown], withoutBar(err.Error()))
	return StatusUnknown
}
