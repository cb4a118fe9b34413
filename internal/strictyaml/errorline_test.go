package strictyaml

import (
	"strings"
	"testing"
)

// TestLinesOfSyntaxErrors: the line is the one where somebody has to look.
func TestLinesOfSyntaxErrors(t *testing.T) {
	for text, want := range map[string]int{
		"a: [":                           1,
		"a: 1\nb: [1, 2\nc: 3\n":         2,
		"a: 1\nb: {c: 1\n":               2,
		"a: 1\n\tb: 2\n":                 2,
		"a: 1\nb:\n\t- c\n":              3,
		"a: 1\nb: 2\n  c: 3\n":           3,
		"a:\n  b: 1\n c: 2\nd: 3\n":      3,
		"a: 1\nb\nc: 2\n":                2,
		"a: 1\nb: \"x\nc: 2\n":           2, // where the text begins that has no end
		"a: 1\nb: 'x\nc: 'y'\n":          3,
		"a: 1\nb: x: y\nc: 1\n":          2,
		"a: 1\nb: *none\nc: 1\n":         2,
		"*none\n":                        1,
		"a: 1\nb: @x\n":                  2,
		"a: 1\nb: `x\n":                  2,
		"a: 1\nb: %x\n":                  2,
		"a: 1\nb: \"\\q\"\n":             2,
		"a: 1\n- b\n":                    2,
		"- a\nb: 1\n":                    2,
		"a: 1\nb: !<x\n":                 2,
		"a: 1\nb: &\n":                   2,
		"a: 1\n---\nb: [\n":              3,
		"# one\n# two\na: 1\n\n\nb: ]\n": 6,
		"a:\n- b: 1\n  c: 2\n - d: 3\n":  4,
		"a: |\n  x\n y\nb: 1\n":          3,
		"targets:\n- {app: a, url: 'x'}\n- {app: b url: 'y'}\n- {app: c, url: 'z'}\n":                                                         3,
		strings.Repeat("- {a: 1,\n  b: [2,\n  3]}\n", 50) + "- {a: 1,\n  b: [2\n c: 3}\n" + strings.Repeat("- {a: 1,\n  b: [2,\n  3]}\n", 50): 152,
		strings.Repeat("a: 1\n", 1) + strings.Repeat("# x\n", 1000) + "b: ]\n":                                                                1002,
	} {
		faults := &Faults{File: "f.yml"}
		if _, ok := Parse([]byte(text), faults); ok || len(faults.List) != 1 {
			t.Errorf("%q: %v", text, faults.List)
		} else if got := faults.List[0].Line; got != want {
			t.Errorf("%.60q: line %d, want %d: %s", text, got, want, faults.List[0])
		}
	}
}
