package names

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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

// TestFiles has directories and files that look like patterns.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{"a[1].yml", "a1.yml", "a*.yml", "ab.yml", "b2.yml", "c[.yml", "c1.yml", "d[1]/x.yml", "d[1]/y1.yml", "d1/z.yml", `e\f/x.yml`, "g?/x.yml", "gh/y.yml"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(path)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, path), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	for pattern, want := range map[string]string{
		"a[1].yml": "a[1].yml", "a*.yml": "a*.yml", "a[b].yml": "ab.yml", "a?.yml": "a*.yml a1.yml ab.yml", "b[2].yml": "b2.yml", "b[3].yml": "",
		"c[.yml": "c[.yml", "c[1].yml": "c1.yml", "d[1]/*.yml": "d[1]/x.yml d[1]/y1.yml", "d[1]/y[1].yml": "d[1]/y1.yml", "d[1]/none.yml": "",
		"d?/*.yml": "d1/z.yml", `e\f/*.yml`: `e\f/x.yml`, "g?/?.yml": "g?/x.yml", "ab.yml": "ab.yml", "none.yml": "", "": "",
	} {
		for _, prefix := range []string{"", dir + "/"} {
			if pattern == "" && prefix != "" {
				continue
			}
			found, err := Files(prefix + pattern)
			for i := range found {
				found[i] = strings.TrimPrefix(found[i], prefix)
			}
			if got := strings.Join(found, " "); got != want || err != nil {
				t.Errorf("%q: %q, %v, want %q", prefix+pattern, got, err, want)
			}
		}
	}
	if _, err := Files("none[.yml"); err == nil {
		t.Error("a pattern that is none is no fault")
	}
}
