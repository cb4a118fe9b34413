package prober

import (
	"fmt"
	"strings"
)

// QueryResponse is one step of a dialogue. What it names is done in the order
// of the fields.
type QueryResponse struct {
	// Expect reads lines until one matches; the others are dropped. Line ends are
	// no part of a line.
	Expect Regexp `yaml:"expect"`
	// ExpectBytes is what must come next, exactly. It excludes Expect.
	ExpectBytes string `yaml:"expect_bytes"`
	// Labels make a series probe_expect_info of what Expect has matched.
	Labels []ExpectLabel `yaml:"labels"`
	// Send is sent with a line feed at its end. After Expect, ${1} is what its
	// first group has matched, and so on.
	Send string `yaml:"send"`
	// StartTLS goes on over TLS.
	StartTLS bool `yaml:"starttls"`
}

// ExpectLabel is a label of probe_expect_info.
type ExpectLabel struct {
	Name string `yaml:"name"`
	// Value may have ${1} and so on, as in Send.
	Value string `yaml:"value"`

	clean string // the name as it is shown, made by prepare
}

// checkQueryResponse finds the faults in the steps of a dialogue.
func checkQueryResponse(steps []QueryResponse) (faults []error) {
	for i, step := range steps {
		if step.Expect.Regexp != nil && step.ExpectBytes != "" {
			faults = append(faults, &FieldError{
				fmt.Sprintf("query_response[%d].expect_bytes", i), "cannot be used together with expect",
			})
		}
	}
	return faults
}

// warnQueryResponse finds what is allowed in a step, but cannot be meant.
func warnQueryResponse(steps []QueryResponse) (list []error) {
	for i, step := range steps {
		path := fmt.Sprintf("query_response[%d].labels", i)
		if step.Labels != nil && step.Expect.Regexp == nil {
			list = append(list, &FieldError{path, "have no effect without expect"})
		}
		for j, label := range step.Labels {
			if clean := cleanLabelName(label.Name); clean != label.Name {
				list = append(list, &FieldError{
					fmt.Sprintf("%s[%d].name", path, j), fmt.Sprintf("%q is not a valid label name, shown as %q", label.Name, clean),
				})
			}
		}
	}
	return list
}

// cleanLabelName replaces what a label's name must not have by _. Two of them at the
// start are reserved.
func cleanLabelName(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, name)
	if clean == "" {
		return "_"
	}
	if clean[0] >= '0' && clean[0] <= '9' {
		clean = "_" + clean[1:]
	}
	if strings.HasPrefix(clean, "__") {
		clean = "_" + strings.TrimLeft(clean, "_")
	}
	return clean
}
