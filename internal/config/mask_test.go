package config

import (
	"strings"
	"testing"
)

func TestTextShowsNoSecret(t *testing.T) {
	c, err := parse("c.yml", []byte(`
# password: SECRET0
modules:
  m:
    prober: http
    http:
      basic_auth: {username: me, password: SECRET1}
      headers: {X-Api-Key: SECRET2, Cookie: SECRET3, Authorization: Bearer SECRET4, Accept: text/html}
      proxy_url: http://me:SECRET5@proxy:3128
  n: {prober: health, health: {authorization: {type: Bearer, credentials: SECRET6}}}
targets:
  - {app: shown, url: "http://10.0.0.1/path"}
`))
	if err != nil {
		t.Fatal(err)
	}
	text := c.Text() + c.ModuleText("m") + c.ModuleText("n")
	if strings.Contains(text, "SECRET") {
		t.Errorf("a secret is shown:\n%s", text)
	}
	for _, want := range []string{"username: me", "text/html", "proxy:3128", "http://10.0.0.1/path", "type: Bearer", "app: shown"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not shown:\n%s", want, text)
		}
	}
	if got := c.ModuleText("http_post_2xx"); !strings.Contains(got, "POST") {
		t.Errorf("built-in module: %s", got)
	}
}

func TestMaskValue(t *testing.T) {
	for _, test := range []struct{ key, value, want string }{
		{"password", "x", "<secret>"},
		{"password_file", "/run/x", "/run/x"},
		{"client_secret", "x", "<secret>"},
		{"bearer_token", "x", "<secret>"},
		{"authorization", "Bearer x", "<secret>"},
		{"send", "AUTH PLAIN abc", "AUTH <secret>"},
		{"send", "PASS abc", "PASS <secret>"},
		{"send", "EHLO prober", "EHLO prober"},
		{"url", "https://a:b@x.org/", "https://xxxxx@x.org/"},
		{"key", "-----BEGIN", "<secret>"},
		{"key_file", "/x", "/x"},
		{"X-Auth-Token", "x", "<secret>"},
		{"password", "", ""},
	} {
		if got := maskValue(test.key, test.value); got != test.want {
			t.Errorf("%s: %q is shown as %q, want %q", test.key, test.value, got, test.want)
		}
	}
}

func TestNamesOfModulesMaskNothing(t *testing.T) {
	c, err := parse("c.yml", []byte(`modules: {http_basic_auth: {prober: http, http: {method: POST, basic_auth: {username: a, password: b}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := "modules: {http_basic_auth: {prober: http, http: {method: POST, basic_auth: {username: a, password: <secret>}}}}\n"
	if got := c.Text(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
