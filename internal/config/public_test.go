package config

import (
	"strings"
	"testing"
)

func TestPublic(t *testing.T) {
	c, err := parse("c.yml", []byte("public: {title: Shop, targets: [web-*, mail, 'nas[1]', 'tv['], groups: [shop], checks: [disk, 'who?']}"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		check       bool
		name, group string
		want        bool
	}{
		{false, "web-1", "", true},
		{false, "mail", "", true},
		{false, "db", "shop", true},
		{false, "db", "", false},
		{false, "disk", "", false},
		{true, "disk", "", true},
		{true, "web-1", "", false},
		{false, "xmail", "other", false},
		{false, "nas[1]", "", true},
		{false, "nas1", "", true},
		{false, "tv[", "", true},
		{false, "tv", "", false},
		{true, "who?", "", true},
	} {
		if got := c.Public.Shows(test.check, test.name, test.group); got != test.want {
			t.Errorf("%+v: shown %t", test, got)
		}
	}
	if Default().Public != nil {
		t.Error("something is public by default")
	}
}

func TestFaultsOfPublic(t *testing.T) {
	for text, want := range map[string]string{
		"public: {}":                     "public: names nothing",
		"public: {targets: ['']}":        `line 1: public.targets: "" is not a valid name or pattern`,
		"public: {groups: [a, '']}":      `public.groups: "" is not a valid name or pattern`,
		"public: {checks: [{a: b}]}":     "public.checks: a mapping is not a valid name or pattern",
		"public: {tragets: [a]}":         `did you mean "targets"?`,
		"public: {targets: a, title: 1}": "public.targets: must be a list",
	} {
		_, err := parse("c.yml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
