package strictyaml

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sample has a field of every sort that is decoded.
type sample struct {
	Name   string         `yaml:"name"`
	Count  uint8          `yaml:"count"`
	Ratio  float64        `yaml:"ratio"`
	On     bool           `yaml:"on"`
	Wait   time.Duration  `yaml:"wait"`
	Later  *time.Duration `yaml:"later"`
	Match  *regexp.Regexp `yaml:"match"`
	List   []string       `yaml:"list"`
	Parts  []part         `yaml:"parts"`
	Any    any            `yaml:"any"`
	Hidden string         `yaml:"-"`
	shared `yaml:",inline"`
}

type shared struct {
	Labels map[string]string `yaml:"labels"`
}

type part struct {
	ID int `yaml:"id"`
}

func decodeText(t *testing.T, text string, into any) error {
	t.Helper()
	faults := &Faults{File: "f.yml"}
	if root, ok := Parse([]byte(text), faults); ok && root != nil {
		before := len(faults.List)
		if ok := (&Decoder{Faults: faults}).Decode(root, "", into); ok != (len(faults.List) == before) {
			t.Errorf("%s: Decode says %t, with the faults %v", text, ok, faults.List)
		}
	}
	return faults.Err()
}

func TestDecode(t *testing.T) {
	later := 90 * time.Minute
	for text, want := range map[string]sample{
		"":                            {Count: 7},
		"name:":                       {Count: 7}, // null keeps the default
		"{name: a, count: 255}":       {Name: "a", Count: 255},
		"{wait: 1.5s, later: 1h30m}":  {Count: 7, Wait: 1500 * time.Millisecond, Later: &later},
		"{wait: 1d, ratio: 2}":        {Count: 7, Wait: 24 * time.Hour, Ratio: 2},
		"{wait: 0}":                   {Count: 7},
		"{list: [a, b], labels: {}}":  {Count: 7, List: []string{"a", "b"}, shared: shared{Labels: map[string]string{}}},
		"{labels: {a: b}, any: [1]}":  {Count: 7, shared: shared{Labels: map[string]string{"a": "b"}}, Any: []any{1}},
		"{parts: [{id: 1}, {id: 2}]}": {Count: 7, Parts: []part{{1}, {2}}},
		"parts: [&p {id: 1}, *p, {<<: *p}, {<<: [*p], id: 3}]": {Count: 7, Parts: []part{{1}, {1}, {1}, {3}}},
	} {
		got := sample{Count: 7}
		if err := decodeText(t, text, &got); err != nil {
			t.Errorf("%s: %s", text, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(sample{}, shared{})); diff != "" {
			t.Errorf("%s:\n%s", text, diff)
		}
	}
}

func TestFaults(t *testing.T) {
	for text, want := range map[string]string{
		"a: [":                                 "line 1: not valid YAML: did not find expected node content",
		"name: [a]":                            "line 1: name: must be a text, not a list",
		"count: 1.5":                           `line 1: count: must be a whole number from 0 to 255, not "1.5"`,
		"parts: [{id: -2.25}]":                 `line 1: parts[0].id: must be a whole number, not "-2.25"`,
		"count: 256":                           `line 1: count: must be a whole number from 0 to 255, not "256"`,
		"on: 1":                                `line 1: on: must be true or false, not "1"`,
		"ratio: {}":                            "line 1: ratio: must be a number, not a mapping",
		"wait: 30":                             `line 1: wait: "30" is not a valid duration; write a number and a unit, such as 30s, 500ms, 5m or 1h`,
		"wait: {}":                             "line 1: wait: must be a single value, not a mapping",
		"match: (":                             "line 1: match: error parsing regexp: missing closing ): `(`",
		"list: a":                              `line 1: list: must be a list, not "a"`,
		"[]":                                   "line 1: must be a mapping of keys to values, not a list",
		"\nparts:\n- {id: 1}\n- {}\n- {id: x}": `line 5: parts[2].id: must be a whole number, not "x"`,
		"nmae: a":                              `line 1: nmae: unknown key; did you mean "name"?`,
		"xyzzy: a":                             "line 1: xyzzy: unknown key",
		"hidden: a":                            "line 1: hidden: unknown key",
		"parts: [{ids: 1}]":                    `line 1: parts[0].ids: unknown key; did you mean "id"?`,
		"parts: [&p {<<: *p}]":                 "line 1: parts[0]: is merged into itself",
		"<<: &s [*s]":                          "line 1: is merged into itself",
		"parts: [{<<: 1}]":                     `line 1: parts[0]: must be a mapping of keys to values, not "1"`,
		"name: a\nname: b":                     "line 2: name: key given twice, first on line 1",
	} {
		err := decodeText(t, text, &sample{})
		if err == nil || err.Error() != "1 fault in configuration file f.yml:\n  "+want {
			t.Errorf("%s:\n got %v\nwant %s", text, err, want)
		}
	}
}

// All faults are listed, by line and path, those of another file by the line that names it.
func TestFaultsAreListed(t *testing.T) {
	own := &Faults{File: "own.yml"}
	own.Add(9, "z", "is bad")
	all := &Faults{File: "f.yml"}
	if all.Err() != nil {
		t.Error("no faults are an error")
	}
	all.Add(3, "b", "is %d", 1)
	all.Add(0, "", "is bad")
	all.Add(3, "a", "is bad")
	all.Adopt(own, 2)
	if !all.Has("b", 0) || all.Has("b", 1) || all.Has("c", 0) {
		t.Error("Has looks at other faults")
	}
	want := "4 faults in configuration file f.yml:\n  is bad\n  line 2: z: own.yml line 9: is bad\n  line 3: a: is bad\n  line 3: b: is 1"
	if err := all.Err(); err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestLineOf(t *testing.T) {
	root, _ := Parse([]byte("a: &a\n  b:\n  - c: 1\n  -\n    d: 2\ne: *a\n"), &Faults{})
	for path, want := range map[string]int{"a": 1, "a.b": 2, "a.b[0].c": 3, "a.b[1].d": 5, "a.b[1].x": 5, "a.b[7]": 2, "e.b[1].d": 5, "x": 77, "": 77} {
		if got := LineOf(root, path, 77); got != want {
			t.Errorf("%q: line %d, want %d", path, got, want)
		}
	}
	if LineOf(nil, "a", 5) != 5 {
		t.Error("no node has a line")
	}
}

// FuzzDecode: no text brings the decoder down, or takes for ever.
func FuzzDecode(f *testing.F) {
	f.Add("{name: a, wait: 1s, parts: [{id: 1}]}")
	f.Add("a: &a [*a]")
	f.Add("parts: [&p {<<: *p}]")
	f.Add("a: &a [x, x]\nb: &b [*a, *a]\nany: [*b, *b]")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, "*")+strings.Count(text, "&") > 20 {
			return // what aliases blow up is bounded by a number that takes seconds
		}
		_ = decodeText(t, text, &sample{})
	})
}
