package health

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Group is a handler that answers as the endpoints of Kubernetes do (/livez,
// /readyz, /startupz): a word of text, with ?verbose a line for each check.
// ?exclude=name leaves a check out, ?include=name all others; both may be repeated.
// Checker and Group are required.
type Group struct {
	Checker *Checker
	// Group is Live, Ready, Startup, or any other.
	Group string
	// Details decides who may see why a check failed; nil means nobody.
	Details func(*http.Request) bool
	// Budget is how long a request waits for checks; default DefaultBudget.
	Budget time.Duration
}

func isStandardGroup(name string) bool { return name == Live || name == Ready || name == Startup }

// group returns the status of a group's checks and their aggregate. The group Startup
// passes for good once it has passed; Ready fails after Drain.
func (c *Checker) group(ctx context.Context, name string) ([]*Status, Outcome) {
	list := c.Check(ctx, name)
	outcome := Whole(list, name)
	switch {
	case name == Ready && c.Draining():
		outcome = Fail
	case name == Startup && outcome != Fail:
		c.started.Store(true)
	case name == Startup && c.started.Load():
		outcome = Pass
	}
	return list, outcome
}

// Group runs the checks of a group whose results have expired, and returns their aggregate:
// Pass, Warn or Fail. ok is false if no check counts in the group; Live, Ready and Startup
// always exist.
func (c *Checker) Group(ctx context.Context, name string) (whole Outcome, ok bool) {
	if !isStandardGroup(name) && !c.HasGroup(name) {
		return Reset, false
	}
	_, whole = c.group(ctx, name)
	return whole, true
}

// ServeHTTP answers 200 if the group passes, with or without a warning, else 503.
func (g *Group) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !readOnly(w, r) {
		return
	}
	ctx, cancel := within(r, g.Budget)
	defer cancel()
	query := r.URL.Query()
	list, outcome := g.Checker.group(ctx, g.Group)
	kept, unknown := choose(list, query["include"], query["exclude"])
	if len(kept) != len(list) {
		outcome = Whole(kept, "")
		if g.Group == Ready && g.Checker.Draining() {
			outcome = Fail
		}
	}
	code := http.StatusOK
	if outcome == Fail {
		code = http.StatusServiceUnavailable
	}
	var text strings.Builder
	if _, verbose := query["verbose"]; verbose || code != http.StatusOK {
		g.lines(&text, kept, allowed(g.Details, r))
	}
	for _, name := range unknown {
		fmt.Fprintf(&text, "warn: there is no check %q in this group\n", name)
	}
	switch {
	case code != http.StatusOK:
		fmt.Fprintf(&text, "%s check failed\n", g.title())
	case text.Len() > 0:
		fmt.Fprintf(&text, "%s check passed\n", g.title())
	default:
		text.WriteString("ok")
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text.String())) // a client that is gone needs no answer
}

// title is how Kubernetes calls the endpoint of the group.
func (g *Group) title() string {
	titles := map[string]string{Live: "livez", Ready: "readyz", Startup: "startupz"}
	return cmp.Or(titles[g.Group], g.Group)
}

// lines has a line for each check.
func (g *Group) lines(text *strings.Builder, list []*Status, details bool) {
	if g.Group == Ready && g.Checker.Draining() {
		text.WriteString("[-]shutdown failed: shutting down\n")
	}
	for _, s := range list {
		if s.Check.Hidden {
			continue
		}
		switch s.Result.Outcome {
		case Pass:
			fmt.Fprintf(text, "[+]%s ok\n", s.Check.Name)
			continue
		case Warn:
			fmt.Fprintf(text, "[+]%s ok, with a warning", s.Check.Name)
		case Reset:
			fmt.Fprintf(text, "[-]%s unknown", s.Check.Name)
		default:
			fmt.Fprintf(text, "[-]%s failed", s.Check.Name)
		}
		if !details {
			text.WriteString(": reason withheld\n")
			continue
		}
		fmt.Fprintf(text, ": %s\n", strings.Join(strings.Fields(s.Result.Text()), " "))
	}
}

// choose keeps the checks that a request asks for, and lists the names that it
// mentions in vain.
func choose(list []*Status, include, exclude []string) (kept []*Status, unknown []string) {
	mentioned := slices.Concat(include, exclude)
	for _, s := range list {
		name := s.Check.Name
		mentioned = slices.DeleteFunc(mentioned, func(each string) bool { return each == name })
		if slices.Contains(exclude, name) || len(include) > 0 && !slices.Contains(include, name) {
			continue
		}
		kept = append(kept, s)
	}
	return kept, slices.Compact(mentioned)
}
