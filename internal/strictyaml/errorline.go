package strictyaml

import (
	"bytes"
	"errors"
	"io"
	"sort"

	"gopkg.in/yaml.v3"
)

// maxSearched bounds the texts in which the line of an error is looked for.
const maxSearched = 1 << 20

// errorLine is the line of a syntax error. That of yaml.v3 is often the one before, or that
// of the mapping around it, or missing; so it is the last of the fewest lines that have the
// same error. What yaml.v3 says stands if there are too many, or not in UTF-8.
func errorLine(text []byte, said int, detail string) int {
	if len(text) > maxSearched || bytes.IndexByte(text, 0) >= 0 {
		return said
	}
	ends := []int{}
	for i, c := range text {
		if c == '\n' {
			ends = append(ends, i+1)
		}
	}
	if len(ends) == 0 || ends[len(ends)-1] < len(text) {
		ends = append(ends, len(text))
	}
	first := sort.Search(len(ends), func(i int) bool { return hasError(text[:ends[i]], said, detail) })
	if first == len(ends) {
		return said
	}
	return first + 1
}

// hasError reports whether reading the text, up to the second document, fails in the same
// way at the same place. A text that is cut off in the middle may fail, too, but elsewhere.
func hasError(text []byte, said int, detail string) bool {
	documents := yaml.NewDecoder(bytes.NewReader(text))
	for range 2 {
		var n yaml.Node
		if err := documents.Decode(&n); err != nil {
			line, same := yamlFault(err)
			return !errors.Is(err, io.EOF) && line == said && same == detail
		}
	}
	return false
}
