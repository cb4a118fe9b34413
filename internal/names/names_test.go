package names

import "testing"

func TestMatch(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"web", "web", true},
		{"web", "web1", false},
		{"web-*", "web-1", true},
		{"web-*", "web", false},
		{"*", "", true},
		{"web?", "web1", true},
		{"web[12]", "web1", true},
		{"web[12]", "web[12]", true},
		{"web[1]", "web[1]", true},
		{"web[", "web[", true},
		{"web[", "web", false},
		{"[a-", "[a-", true},
		{"web*", "web*", true},
		{"who?", "who?", true},
		{`a\b`, `a\b`, true},
		{`a\`, `a\`, true},
		{`a\`, `a`, false},
		{`web\*`, "web*", true},
		{`web\*`, "web1", false},
		{"", "", true},
		{"*.example", "a/b.example", false},
	} {
		if got := Match(test.pattern, test.name); got != test.want {
			t.Errorf("Match(%q, %q) = %t", test.pattern, test.name, got)
		}
		if got := MatchAny([]string{"other", test.pattern}, test.name); got != test.want {
			t.Errorf("MatchAny(%q, %q) = %t", test.pattern, test.name, got)
		}
	}
	if MatchAny(nil, "") {
		t.Error("nothing matches something")
	}
}

func TestWild(t *testing.T) {
	for pattern, want := range map[string]bool{"web": false, "web*": true, "web?": true, "web[1]": true, "web[": false, `a\b`: true, `a\`: false, "": false} {
		if Wild(pattern) != want {
			t.Errorf("Wild(%q) is not %t", pattern, want)
		}
	}
}

// FuzzQuote: a quoted name matches itself and no other.
func FuzzQuote(f *testing.F) {
	for _, name := range []string{"web", "web*", "web[1]", "web[", `a\b`, "who?", "é*", "\xff*"} {
		f.Add(name, "web1")
	}
	f.Fuzz(func(t *testing.T, name, other string) {
		quoted := Quote(name)
		if !Match(quoted, name) {
			t.Errorf("%q, quoted as %q, does not match itself", name, quoted)
		}
		if back, ok := Name(quoted); !ok || back != name {
			t.Errorf("%q, quoted as %q, is read back as %q, %t", name, quoted, back, ok)
		}
		if back, ok := Name(other); ok && Quote(back) != other {
			t.Errorf("%q is read as the name %q", other, back)
		}
		if other != name && other != quoted && Match(quoted, other) {
			t.Errorf("%q, quoted as %q, matches %q", name, quoted, other)
		}
	})
}
