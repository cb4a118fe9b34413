package mailaddress

import (
	"net/mail"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"me@example.org": "me@example.org", "A.b+c_d-e@Example.ORG": "A.b+c_d-e@example.org", "x@sub.example.co": "x@sub.example.co",
		strings.Repeat("a", 64) + "@example.org": strings.Repeat("a", 64) + "@example.org",
		"root@localhost":                         "root@localhost", "root@NAS": "root@nas", "o'brien@example.org": "o'brien@example.org",
		"!#$%&'*+-/=?^_`{|}~@x.org": "!#$%&'*+-/=?^_`{|}~@x.org", "-a@x.org": "-a@x.org", "a%b@x.org": "a%b@x.org", "0@1.x": "0@1.x",
		"a@xn--bcher-kva.example": "a@xn--bcher-kva.example", "a@" + strings.Repeat("x", 63): "a@" + strings.Repeat("x", 63),
	} {
		got, err := Parse(text)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
		if parsed, err := mail.ParseAddress(got); err != nil || parsed.Address != got || parsed.Name != "" {
			t.Errorf("%q means %+v, %v to others", got, parsed, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, why := range map[string]string{
		"": "one plain address such as", "root": "one plain address such as", "@example.org": `nothing before the "@"`, "a@": `a name must follow the "@"`,
		`"a b"@x.org`: "local parts in quotes are not supported", `"a@b"@x.org`: "in quotes", `"a> SIZE=1"@x.org`: "in quotes", `"a"@x.org`: "in quotes",
		"a@x.org, b@y.org": `'@' must not be before`, "a@b@x.org": `'@' must not be before`, "a@x.org\r\nBcc: e@x.org": `must not be before`,
		"a@x.org\x00": `'\x00' must not be in the domain`, "Ops <a@x.org>": "angle brackets", "<a@x.org>": "angle brackets",
		"a@[127.0.0.1]": "an address instead of a domain", ".a@x.org": "between other characters", "a.@x.org": "between other characters",
		"a..b@x.org": "between other characters", "a@x.org.": "each dot of it", "a@.x": "each dot", "a@x..y": "each dot",
		"a@-x.org": "a dash", "a@x-.org": "a dash", "grüße@x.org": `'ü' must not be before`, "a@bücher.org": `'ü' must not be in the domain`,
		" a@x.org": `' ' must not be before`, "a@x.org ": `' ' must not be in the domain`, "a b@x.org": "' '", "a(c)@x.org": `'('`, `a\b@x.org`: `'\\'`,
		"a,b@x.org": "','", "a;b@x.org": "';'", "a:b@x.org": "':'", "a[b@x.org": "'['", "a@x_y.org": "'_'", "a@x!y": "'!'",
		strings.Repeat("a", 65) + "@example.org": `more than 64 characters before the "@"`,
		"a@" + strings.Repeat("x.", 130) + "org": "more than 254 characters",
		"a@" + strings.Repeat("x", 64):           "more than 63 characters",
		"{{ .ExternalURL }}@x.org":               "' '",
		"a@x.org\u202e":                          "must not be in the domain",
		"a\xff@x.org":                            "must not be before",
		"me@example.org?subject=x":               "'?' must not be in the domain",
		"https://u:p@x.org":                      "':'",
	} {
		got, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %q, %v, want %q", text, got, err, why)
		}
	}
}

// FuzzParse: what is accepted is one address to others too, and stays what it is.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"me@example.org", "o'brien@X.org", `"a b"@x.org`, "root@localhost", "a@b@c", "a..b@c"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(got); err != nil || again != got {
			t.Errorf("%q becomes %q, %v", got, again, err)
		}
		parsed, err := mail.ParseAddress(got)
		if err != nil || parsed.Address != got || parsed.Name != "" {
			t.Errorf("%q means %+v, %v to others", got, parsed, err)
		}
		if strings.ContainsAny(got, "\r\n\x00<> ,\"") {
			t.Errorf("%q means more than an address", got)
		}
	})
}
