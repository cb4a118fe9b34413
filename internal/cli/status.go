package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/client"
	"github.com/health-exporter/health_exporter/client/api"
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

// maxShown is how many targets and checks a status shows; of more it shows only what is not
// healthy, and so much of that.
const maxShown = 100

// Run asks and tells. What keeps it from knowing is said where Nagios reads it.
func (s *Status) Run(ctx context.Context) int {
	defer s.done()
	v, err := s.judged(ctx)
	if err != nil {
		if s.JSON {
			s.writeJSON(map[string]any{"status": statusWords[StatusUnknown], "exit_code": StatusUnknown, "error": err.Error()})
		} else {
			fmt.Fprintf(s.Out, "HEALTH %s - %s\n", s.colored(statusWords[StatusUnknown], false), withoutBar(err.Error()))
		}
		return StatusUnknown
	}
	if s.JSON {
		s.writeJSON(map[string]any{
			"status": statusWords[v.code], "exit_code": v.code, "counts": v.counts, "targets": append([]target{}, v.shown...), "targets_more": v.more,
			"exporter": append([]string{}, v.exporter...),
		})
		return v.code
	}
	fmt.Fprintf(s.Out, "HEALTH %s - %s\n", s.colored(statusWords[v.code], false), v.line())
	for _, trouble := range v.exporter {
		fmt.Fprintln(s.Out, trouble)
	}
	s.show(v.shown, time.Now())
	if v.more > 0 {
		fmt.Fprintf(s.Out, "%d more are not shown: `health_exporter targets list` has them\n", v.more)
	}
	return v.code
}

// judged asks how many there are and, if they are not too many, for all of them.
func (s *Status) judged(ctx context.Context) (*verdict, error) {
	total, exporter := 0, []string(nil)
	if len(s.Apps) == 0 {
		sum, known, err := s.sum(ctx)
		switch {
		case err != nil:
			return nil, err
		case known && sum.matching() > maxShown:
			return s.judgedMany(ctx, sum)
		case known:
			total, exporter = sum.Total, sum.Exporter
		}
	}
	chosen, err := s.find(ctx, &s.Filter, true)
	if err != nil {
		return nil, err
	}
	v := judge(chosen, max(total, len(chosen)))
	v.shown, v.exporter = chosen, exporter
	return &v, nil
}

// sum is what the exporter says of all that the filter chooses. An exporter that is too old
// says nothing.
func (s *Status) sum(ctx context.Context) (sum summary, known bool, err error) {
	q := s.query()
	err = s.do(ctx, http.MethodGet, "api/v1/status?"+q.Values().Encode(), nil, &sum)
	if refused, ok := errors.AsType[*client.Refusal](err); ok && refused.Status == http.StatusNotFound {
		return sum, false, nil
	}
	return sum, err == nil, err
}

// summary is a status with its counts by the words of states.
type summary struct {
	api.Status
	Targets map[string]int `json:"targets"`
	Checks  map[string]int `json:"checks"`
}

func (s *summary) matching() (n int) {
	for _, name := range StateNames() {
		n += s.Targets[name] + s.Checks[name]
	}
	return n
}

// judgedMany judges by the counts, and asks for no more targets than are shown.
func (s *Status) judgedMany(ctx context.Context, sum summary) (*verdict, error) {
	checks, err := s.checks(ctx)
	if err == nil {
		err = s.misspelt(ctx, &s.Filter, checks)
	}
	if err != nil {
		return nil, err
	}
	v := &verdict{counts: map[string]int{}, total: sum.Total, exporter: sum.Exporter}
	for _, name := range StateNames() {
		v.counts[name] = sum.Targets[name] + sum.Checks[name]
	}
	switch {
	case v.counts["unhealthy"] > 0:
		v.code = StatusCritical
	case v.counts["degraded"]+v.counts["unknown"] > 0:
		v.code = StatusWarning
	}
	for _, x := range sum.NotHealthy {
		if x.State == "UNHEALTHY" {
			v.worst = append(v.worst, x.Name)
		}
	}
	checks = s.choose(checks)
	for _, state := range []string{"unhealthy", "degraded", "unknown"} {
		if len(s.States) > 0 && !slices.Contains(s.States, state) {
			continue
		}
		v.shown = append(v.shown, (&Filter{States: []string{state}}).choose(checks)...)
		for t, err := range s.each(ctx, client.Query{States: []string{state}, Groups: s.Groups, PageSize: maxShown}) {
			if err != nil {
				return nil, err
			}
			if len(v.shown) >= maxShown {
				break
			}
			v.shown = append(v.shown, t)
		}
	}
	v.more = sum.matching() - len(v.shown)
	return v, nil
}

// verdict sums targets up.
type verdict struct {
	code   int
	counts map[string]int
	total  int      // before any were left out
	worst  []string // the names of those that are unhealthy, or of the first of them
	shown  []target
	more   int // that are not shown

	exporter []string // what is not all right with the exporter itself
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
	if more := v.counts["unhealthy"] - len(named); more > 0 {
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
