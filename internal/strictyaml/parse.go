package strictyaml

import (
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Parse reads YAML and returns the root of the first document, nil if there is none. What is no
// YAML is a fault, and not ok.
func Parse(text []byte, faults *Faults) (root *yaml.Node, ok bool) {
	var n yaml.Node
	err := yaml.Unmarshal(text, &n)
	if err != nil {
		line, detail := yamlFault(err)
		faults.Add(line, "", "not valid YAML: %s", detail)
		return nil, false
	}
	if len(n.Content) == 0 {
		return nil, true
	}
	return n.Content[0], true
}

// yamlFault takes the line out of an error of the YAML parser.
func yamlFault(err error) (line int, detail string) {
	detail = strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(detail, "line "); ok {
		number, after, _ := strings.Cut(rest, ": ")
		if n, err := strconv.Atoi(number); err == nil {
			return n, after
		}
	}
	return 0, detail
}
