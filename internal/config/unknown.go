package config

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/names"
	"github.com/health-exporter/health_exporter/internal/strictyaml"
)

// Known are names that exist although they are not in the file: of targets that are
// registered or discovered, and of their groups.
type Known struct {
	Targets, Groups []string
	// Families are those of metrics that can be left out, with who needs each.
	Families map[string][]string
}

// unknownName is a name in the file that nothing in the file has.
type unknownName struct {
	strictyaml.Fault        // without what is guessed
	pattern          string // as it is written
	of               string // what has such names: "target", "target or check", "group" or "check"
	meant            string // what is guessed
}

// maxGuesses bounds for how many names it is guessed what is meant: each guess looks at
// all names that there are.
const maxGuesses = 100

// naming looks for names that nothing has.
type naming struct {
	targets, checks, everybody, groups []string
	has                                map[string]bool // everybody
	list                               []unknownName
}

// unknownNames are the names in depends_on, public and maintenance that nothing in the file
// has. What is registered and discovered is not known yet: it is no fault.
func (doc *document) unknownNames(c *Config, root *yaml.Node) []unknownName {
	s := naming{has: map[string]bool{}}
	groups := map[string]bool{}
	group := func(name string) {
		if name != "" && !groups[name] {
			groups[name], s.groups = true, append(s.groups, name)
		}
	}
	for i := range c.Targets {
		s.targets = append(s.targets, c.Targets[i].App)
		s.has[c.Targets[i].App] = true
		group(c.Targets[i].Group)
	}
	for i := range c.Checks {
		s.checks = append(s.checks, c.Checks[i].Name)
		s.has[c.Checks[i].Name] = true
	}
	for i := range c.Discovery.Jobs {
		group(c.Discovery.Jobs[i].Defaults.Group)
	}
	if c.Discovery.MDNS != nil {
		group(c.Discovery.MDNS.Group)
	}
	s.everybody = slices.Concat(s.targets, s.checks)
	for i := range c.Targets {
		s.dependsOn(&doc.Targets[i], fmt.Sprintf("targets[%d]", i), c.Targets[i].DependsOn)
	}
	for i := range c.Discovery.Jobs {
		s.dependsOn(&doc.Discovery.Jobs[i], fmt.Sprintf("discovery.jobs[%d]", i), c.Discovery.Jobs[i].Defaults.DependsOn)
	}
	for i := range c.Maintenance {
		n, at := &doc.Maintenance[i], fmt.Sprintf("maintenance[%d]", i)
		s.patterns(n, at, "targets", c.Maintenance[i].Targets, s.everybody, "target or check")
		s.patterns(n, at, "groups", c.Maintenance[i].Groups, s.groups, "group")
	}
	if public := child(root, "public"); public != nil {
		s.patterns(public, "public", "targets", c.Public.Targets, s.targets, "target")
		s.patterns(public, "public", "groups", c.Public.Groups, s.groups, "group")
		s.patterns(public, "public", "checks", c.Public.Checks, s.checks, "check")
	}
	return s.list
}

// child is the value of a key; nil if there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	var section map[string]yaml.Node
	if n == nil || n.Decode(&section) != nil {
		return nil
	}
	if value, ok := section[key]; ok && !value.IsZero() {
		return &value
	}
	return nil
}

func (s *naming) dependsOn(n *yaml.Node, at string, list []string) {
	for i, name := range list {
		if !s.has[name] {
			s.add(n, at, fmt.Sprintf("depends_on[%d]", i), name, s.everybody, "target or check")
		}
	}
}

// patterns looks at a list of names or patterns, some of which fit nothing that there is.
func (s *naming) patterns(n *yaml.Node, at, key string, list, known []string, of string) {
	for i, pattern := range list {
		if !slices.ContainsFunc(known, func(name string) bool { return names.Match(pattern, name) }) && strings.Trim(pattern, "*") != "" {
			s.add(n, at, fmt.Sprintf("%s[%d]", key, i), pattern, known, of)
		}
	}
}

func (s *naming) add(n *yaml.Node, at, key, pattern string, known []string, of string) {
	if strings.HasPrefix(pattern, reservedChecks) {
		return // the exporter's own checks, which are nowhere in the file
	}
	u := unknownName{pattern: pattern, of: of}
	if len(s.list) < maxGuesses {
		u.meant = names.DidYouMean(pattern, known)
	}
	verb := "has the name"
	if names.Wild(pattern) {
		verb = "fits"
	}
	u.Line, u.Path = strictyaml.LineOf(n, key, n.Line), strictyaml.Join(at, key)
	u.Detail = fmt.Sprintf("no %s in this file %s %q", of, verb, pattern)
	s.list = append(s.list, u)
}

// later ends the warnings of names that may be there nevertheless.
const later = " (what is registered or discovered later is not known yet)"

// warning is what is said of the name, unless there is something that has it.
func (u *unknownName) warning(known Known) (f strictyaml.Fault, ok bool) {
	f = u.Fault
	f.Detail += u.meant
	list := known.Targets
	switch u.of {
	case "check": // all are in the file
		return f, true
	case "group":
		list = known.Groups
	}
	f.Detail += later
	return f, !slices.ContainsFunc(list, func(name string) bool { return names.Match(u.pattern, name) })
}
