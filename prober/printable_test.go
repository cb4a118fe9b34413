package prober

import (
	"strings"
	"testing"
)

func TestNotPrintable(t *testing.T) {
	for _, r := range "\x00\t\n\r\x1b\x7f\u0085\u00a0\u00ad\u034f\u061c\u115f\u17b4\u180b\u180e\u2000\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e\u2060\u2066\u2069\u2800\u3000\u3164\ufeff\uffa0\ufff9\U000e0001\U000e0041\ue000" {
		if !NotPrintable(r) {
			t.Errorf("%U is printable", r)
		}
	}
	for _, r := range "aZ09 ~éßжא中🙂⚙\ufe0f\u0301" {
		if NotPrintable(r) {
			t.Errorf("%U is not printable", r)
		}
	}
	// Every field that is kept and shown refuses them.
	kind := func(string) (Kind, bool) { return "tcp", true }
	for _, bad := range []string{"\u202e", "\u200b", "\n", "\x1b", "\u3164", "\x00", "\u2028"} {
		for field, set := range map[string]func(*Target, string){
			"app":           func(t *Target, s string) { t.App = s },
			"url":           func(t *Target, s string) { t.URL, t.Address = "http://a.example/"+s, "" },
			"address":       func(t *Target, s string) { t.Address = s },
			"group":         func(t *Target, s string) { t.Group = s },
			"labels.a":      func(t *Target, s string) { t.Labels = map[string]string{"a": s} },
			"depends_on[0]": func(t *Target, s string) { t.DependsOn = []string{s} },
			"email":         func(t *Target, s string) { t.Email = s + "@example.org" },
		} {
			for _, module := range []func(string) (Kind, bool){kind, func(string) (Kind, bool) { return "health", true }} {
				target := NewTarget()
				target.App, target.Address = "a", "a.example:1"
				if k, _ := module(""); k == "health" {
					if field == "address" {
						continue
					}
					target.URL, target.Address = "http://a.example/", ""
				}
				set(&target, "x"+bad+"y")
				if got := target.Validate(FileLimits(), module); len(got) == 0 || !strings.HasPrefix(got[0].Path, field) {
					t.Errorf("%s with %q: %v", field, bad, got)
				}
			}
		}
	}
}
