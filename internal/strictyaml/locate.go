package strictyaml

import (
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// LineOf finds the line of a key below a node by its path (a.b[2].c); where the
// path leads nowhere, the line of the last key that it leads to.
func LineOf(n *yaml.Node, path string, line int) int {
	for _, step := range steps(path) {
		if n == nil {
			return line
		}
		for n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		key, next := child(n, step)
		if next == nil {
			return line
		}
		line, n = key.Line, next
	}
	return line
}

func steps(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}

func child(n *yaml.Node, step string) (key, value *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i], n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i], n.Content[i]
		}
	}
	return nil, nil
}
