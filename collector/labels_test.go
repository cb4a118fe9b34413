package collector

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/prober"
)

func TestPublicPlace(t *testing.T) {
	for place, want := range map[string]string{
		"":                                   "",
		"http://10.0.0.7:8096":               "http://10.0.0.7:8096",
		"http://me:secret@host/path":         "http://host/path",
		"http://me@host":                     "http://host",
		"https://host/path?token=secret":     "https://host/path",
		"https://host/path#secret":           "https://host/path",
		"https://host/@alice":                "https://host/@alice",
		"https://host/a%2Fb?x":               "https://host/a%2Fb",
		"https://[fe80::1]:8443/x?y":         "https://[fe80::1]:8443/x",
		"http://me:se?cret@host/":            "http://", // cannot be taken apart
		"http://me:se/cret@host/":            "http://",
		"http://me:s@e@c@host/":              "http://host/",
		"http://host/%zz?token=secret":       "http://",
		"10.0.0.7:53":                        "10.0.0.7:53",
		"me:secret@host:80/x":                "host:80/x",
		"host/x?u=http://me:secret@other/":   "host/x",
		"host?u=http://me:secret@other/":     "host",
		"me:x://y@host":                      "me:x://host",
		"fe80::1%eth0":                       "fe80::1%eth0",
		"/run/service.sock":                  "/run/service.sock",
		"ssh://git:secret@[::1]:22/~?a@b#c@": "ssh://[::1]:22/~",
	} {
		if got := PublicPlace(place); got != want {
			t.Errorf("%q is shown as %q, want %q", place, got, want)
		}
	}
}

func TestDescribe(t *testing.T) {
	got := describe(&prober.Target{
		App: "a", Address: "router", Email: "me@example.org",
		Labels: map[string]string{
			"z": "1", "a_1": "\xff", "_": "", "target": "x", "url": "x", "module": "x", "source": "x", "group": "x", "email": "x",
			"__name__": "x", "1": "x", "a-b": "x", "ü": "x", "": "x", "a\n": "x",
		},
	})
	want := []label{
		{"url", "router"},
		{"module", "health"},
		{"source", ""},
		{"group", ""},
		{"email", ""},
		{"_", ""},
		{"a_1", "\uFFFD"},
		{"z", "1"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(label{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestForeign(t *testing.T) {
	for _, test := range []struct{ name, give, want string }{
		{"short", "abc", "abc"},
		{"just fits", strings.Repeat("ü", 128), strings.Repeat("ü", 128)},
		{"too long", strings.Repeat("ü", 129), strings.Repeat("ü", 128)},
		{"invalid", "a\xffb\xc3", "a\uFFFDb\uFFFD"},
		{"long and invalid", strings.Repeat("\xff", 500), strings.Repeat("\uFFFD", 128)},
	} {
		if got := foreign(test.give); got != test.want || !utf8.ValidString(got) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}
