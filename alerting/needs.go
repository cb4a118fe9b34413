package alerting

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Needs says for each name of a metric that the shipped rules and dashboards have in an
// expression which of them do: "alert HealthTargetUnhealthy", "dashboard Overview".
func Needs() map[string][]string {
	n := needs{}
	for _, file := range shipped("rules/*.rules.yml") {
		n.ofRules(string(file.content))
	}
	for _, file := range shipped("dashboards/*.json") {
		n.ofDashboard(file.name, file.content)
	}
	sorted := map[string][]string{}
	for metric, by := range n {
		sorted[metric] = slices.Sorted(maps.Keys(by))
	}
	return sorted
}

type shippedFile struct {
	name    string
	content []byte
}

// shipped are files that are part of the program, and so can be read.
func shipped(pattern string) (list []shippedFile) {
	found, err := fs.Glob(embedded, pattern)
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for _, name := range found {
		content, err := embedded.ReadFile(name)
		if err != nil {
			panic(err)
		}
		list = append(list, shippedFile{name, content})
	}
	return list
}

// needs are the users of each metric.
type needs map[string]map[string]bool

var (
	metricName = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*`)
	ruleName   = regexp.MustCompile(`^\s*(?:- )?(alert|record): *(\S+)`)
	exprLine   = regexp.MustCompile(`^(\s*)(?:- )?expr: *(.*)$`)
)

func (n needs) add(expression, by string) {
	for _, name := range metricName.FindAllString(expression, -1) {
		if n[name] == nil {
			n[name] = map[string]bool{}
		}
		n[name][by] = true
	}
}

// ofRules reads what Prometheus reads: a name, and an expression in one line or in the
// lines after it that are further in.
func (n needs) ofRules(text string) {
	by, within := "", -1
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if m := ruleName.FindStringSubmatch(line); m != nil {
			by, within = m[1]+" "+m[2], -1
			if m[1] == "record" {
				by = "recording rule " + m[2]
			}
			continue
		}
		if m := exprLine.FindStringSubmatch(line); m != nil {
			within = len(m[1])
			n.add(m[2], by)
			continue
		}
		if within < 0 || strings.TrimSpace(line) == "" {
			continue
		}
		if in := len(line) - len(strings.TrimLeft(line, " ")); in <= within {
			within = -1
		} else if code, _, _ := strings.Cut(line, " #"); !strings.HasPrefix(strings.TrimSpace(line), "#") {
			n.add(code, by)
		}
	}
}

// ofDashboard looks for expressions wherever they stand: in panels, and in the variables.
func (n needs) ofDashboard(file string, content []byte) {
	var board struct{ Title string }
	var all any
	if json.Unmarshal(content, &board) != nil || json.Unmarshal(content, &all) != nil {
		panic(fmt.Sprintf("%s is no JSON", file)) // it is part of the program
	}
	by := fmt.Sprintf("dashboard %q", board.Title)
	if board.Title == "" {
		by = "dashboard " + path.Base(file)
	}
	n.within(all, by)
}

func (n needs) within(value any, by string) {
	switch v := value.(type) {
	case []any:
		for _, each := range v {
			n.within(each, by)
		}
	case map[string]any:
		for key, each := range v {
			if text, ok := each.(string); ok && (key == "expr" || key == "query" || key == "definition") {
				n.add(text, by)
			}
			n.within(each, by)
		}
	}
}
