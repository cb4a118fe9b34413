package checks

import (
	"math"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestSplitOutput(t *testing.T) {
	tests := []struct {
		name, output, text string
		data               []perfdatum
	}{
		{"empty", "", "", nil},
		{"text alone", "OK - fine\n", "OK - fine", nil},
		{"one", "OK | time=0.5s", "OK", []perfdatum{{"time", 0.5, "seconds"}}},
		{"thresholds", "OK|/home=10%;80;90;0;100 /=1B", "OK", []perfdatum{{"/home", 10, "percent"}, {"/", 1, "bytes"}}},
		{"quotes", "OK | 'it''s = so'=1c ''=5 'x'=2", "OK", []perfdatum{{"it's = so", 1, "c"}, {"x", 2, ""}}},
		{"open quote", "OK | a=1 'b=2", "OK", []perfdatum{{"a", 1, ""}}},
		{"unknown", "OK | a=U b=;1;2 c=3", "OK", []perfdatum{{"c", 3, ""}}},
		{"rubbish", "OK | blah blah x=7 = =5 y", "OK", []perfdatum{{"x", 7, ""}}},
		{"two parts", "OK | a=1\nlong text\nmore | b=2\nc=3", "OK", []perfdatum{{"a", 1, ""}, {"b", 2, ""}, {"c", 3, ""}}},
		{"exponents", "OK | a=1e3s b=2EB c=5e", "OK", []perfdatum{{"a", 1000, "seconds"}, {"b", 2, "EB"}, {"c", 5, "e"}}},
		{"too large", "OK | a=1e999 b=1.2.3 c=--1", "OK", nil},
		{"decimal commas", "OK | 'load'=0,52;5,0;10,0;0; time=0,520s;~:1,5;@2,5:3,0 a=-1,5e3% b=,5 c=1,250", "OK", []perfdatum{
			{"load", 0.52, ""}, {"time", 0.52, "seconds"}, {"a", -1500, "percent"}, {"b", 0.5, ""}, {"c", 1.25, ""},
		}},
		{"commas of thousands", "OK | a=1,234,567 b=1,234.5 c=1.234,5 d=1,,5 e=2", "OK", []perfdatum{{"e", 2, ""}}},
		{"commas of lists", "OK | a=1, b=2s, c=0,5, d=1,e=2 f=3", "OK", []perfdatum{{"a", 1, ""}, {"b", 2, "seconds"}, {"c", 0.5, ""}, {"f", 3, ""}}},
		{"bar alone", "|", "", nil},
		{"carriage return", "OK | a=1\r\n", "OK", []perfdatum{{"a", 1, ""}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, data := splitOutput(tt.output)
			if text != tt.text {
				t.Errorf("text is %q, want %q", text, tt.text)
			}
			if diff := cmp.Diff(tt.data, data, cmp.AllowUnexported(perfdatum{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzPerfdata(f *testing.F) {
	f.Add("OK | 'a b'=1.5s;2;3;0;10 load=0.5;;\nmore | c=-1e3%")
	f.Add("|'''=1")
	f.Add("|=")
	f.Add("| 'load'=0,52;5,0;10,0;0; a=1,234.5 b=1, c=,")
	f.Fuzz(func(t *testing.T, output string) {
		text, data := splitOutput(output)
		if !utf8.ValidString(text) {
			t.Errorf("text %q is not UTF-8", text)
		}
		for _, d := range data {
			if d.name == "" || !utf8.ValidString(d.name) || !utf8.ValidString(d.unit) || math.IsNaN(d.value) || math.IsInf(d.value, 0) {
				t.Errorf("datum %+v", d)
			}
		}
	})
}
