package strictyaml

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Parse reads YAML and returns the root of its only document, nil if there is none. What
// is no YAML is a fault, and not ok; so is a second document, which nobody would read.
func Parse(text []byte, faults *Faults) (root *yaml.Node, ok bool) {
	documents := yaml.NewDecoder(bytes.NewReader(text))
	first, err := next(documents)
	if err == nil && first != nil {
		var second *yaml.Node
		if second, err = next(documents); second != nil {
			faults.Add(second.Line, "", "a second document begins (---), and there may be only one")
			return nil, false
		}
	}
	if err != nil {
		line, detail := yamlFault(err)
		faults.Add(errorLine(text, line, detail), "", "not valid YAML: %s", detail)
		return nil, false
	}
	if first == nil || len(first.Content) == 0 {
		return nil, true
	}
	return first.Content[0], true
}

// next is the next document, nil if there is none.
func next(documents *yaml.Decoder) (*yaml.Node, error) {
	var n yaml.Node
	switch err := documents.Decode(&n); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &n, nil
}

// Blank reports whether a document says nothing: it is empty, or has keys without values
// only. {} says that there is nothing.
func Blank(root *yaml.Node) bool {
	if root == nil || root.ShortTag() == "!!null" {
		return true
	}
	if root.Kind != yaml.MappingNode || len(root.Content) == 0 {
		return false
	}
	for i := 1; i < len(root.Content); i += 2 {
		if root.Content[i].ShortTag() != "!!null" {
			return false
		}
	}
	return true
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
