package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"
)

// TestOptionsOfALongFile are those that they are in a short one, with the same faults, if
// little of it is parsed and also if that does not do.
func TestOptionsOfALongFile(t *testing.T) {
	long := "targets:\n" + strings.Repeat("  - {app: a, url: 'http://10.0.0.1'}\n", longFile/30)
	utf16Text := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune("options: {a: b}\n" + long)) {
		utf16Text = append(utf16Text, byte(u), byte(u>>8))
	}
	for name, c := range map[string]struct {
		text  string
		parts bool // not all of it need be parsed
	}{
		"none":              {long, true},
		"first":             {"options:\n  a: b\n\n# c\n  d: [e]\n" + long, true},
		"last":              {long + "options: {a: b, d: [e]}", true},
		"between":           {long + "options:\n  a: b\n  d: [e]\nchecks: []\n" + "maintenance: []\n", true},
		"same column":       {"options:\n# c\n  a: 1\npublic:\n" + long, true},
		"flow":              {"{\noptions: {a: b},\ntargets: [\n" + strings.Repeat("{app: a, url: 'http://10.0.0.1'},\n", longFile/30) + "]}", true},
		"quoted":            {"'options': {a: b}\n" + long, false},
		"escaped":           {"\"opti\\x6fns\": {a: b}\n" + long, false},
		"asked":             {"? options\n: {a: b}\n" + long, false},
		"alias":             {"registration: &x {a: b}\noptions: *x\n" + long, false},
		"merged":            {"public: &x {options: {a: b}}\n<<: *x\n" + long, false},
		"twice":             {"options: {a: b}\n" + long + "options: {c: d}\n", false},
		"UTF-16":            {string(utf16Text), false},
		"carriage returns":  {strings.ReplaceAll("options: {a: b}\n"+long, "\n", "\r"), false},
		"both":              {strings.ReplaceAll("options: {a: b}\n"+long, "\n", "\r\n"), true},
		"elsewhere":         {long + "  - {app: options, url: 'http://10.0.0.1'}\n", false},
		"no YAML":           {"options: {a: b\n" + long, true},
		"no YAML elsewhere": {"options: {a: b}\n" + long + "}", true},
	} {
		got, err := (&File{path: "a.yml", text: []byte(c.text)}).Options()
		want, faults, ok := optionsIn("a.yml", []byte(c.text))
		if name == "no YAML elsewhere" { // Load will say so
			want, faults, ok = optionsIn("a.yml", []byte("options: {a: b}"))
		}
		if !reflect.DeepEqual(got, want) || fmt.Sprint(err) != fmt.Sprint(faults.Err()) || ok != (name != "no YAML") {
			t.Errorf("%s: %v, %v instead of %v, %v", name, got, err, want, faults.Err())
		}
		if parts := len(optionsOnly([]byte(c.text))) < longFile/2; parts != c.parts {
			t.Errorf("%s: parsed in parts: %v", name, parts)
		}
	}
}
