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

func TestShownText(t *testing.T) {
	for _, test := range []struct{ key, value, want string }{
		{"password", "x", "<secret>"},
		{"password_file", "/run/x", "/run/x"},
		{"client_secret", "x", "<secret>"},
		{"bearer_token", "x", "<secret>"},
		{"send", "AUTH PLAIN abc", "AUTH ********"},
		{"send", "PASS abc", "PASS ********"},
		{"send", "EHLO prober", "EHLO prober"},
		{"url", "https://a:b@x.org/", "https://x.org/"},
		{"url", "https://x.org/a?q=1&token=2#frag", "https://x.org/a?q=<secret>&token=<secret>"},
		{"url", "https://x.org/?justone", "https://x.org/?<secret>"},
		{"url", "https://x.org/%zz?a=b", "<secret>"},
		{"webhook_url", "https://hc.example.org/ping/abc", "https://hc.example.org/<secret>"},
		{"body", `{"user":"me","n":1,"list":["x"],"ok":true}`, `{"list":["<secret>"],"n":"<secret>","ok":true,"user":"<secret>"}`},
		{"body", "a=b&c=d", "a=<secret>&c=<secret>"},
		{"body", "swordfish", "<secret>"},
		{"env", "TZ=UTC", "TZ=<secret>"},
		{"key", "-----BEGIN", "<secret>"},
		{"key_file", "/x", "/x"},
		{"X-Auth-Token", "x", "<secret>"},
		{"password", "", ""},
	} {
		if got := shownText(test.key, test.value); got != test.want {
			t.Errorf("%s: %q is shown as %q, want %q", test.key, test.value, got, test.want)
		}
	}
}

func TestShownCommand(t *testing.T) {
	got := shownCommand([]string{"/bin/check", "-H", "db", "-p", "5432", "-p", "swordfish", "-pswordfish", "--token=swordfish", "--password", "swordfish", "-u", "me:swordfish"})
	want := "/bin/check -H db -p 5432 -p ******** ******** --token=******** --password ******** -u ********"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
}

func TestNamesOfModulesMaskNothing(t *testing.T) {
	c, err := parse("c.yml", []byte(`modules: {http_basic_auth: {prober: http, http: {method: POST, basic_auth: {username: a, password: b}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"http_basic_auth:", "method: POST", "username: a", "password: <secret>"} {
		if got := c.Text(); !strings.Contains(got, want) {
			t.Errorf("%q is not shown:\n%s", want, got)
		}
	}
}

// What is in force is shown, not only what is written.
func TestTextShowsDefaults(t *testing.T) {
	c, err := parse("c.yml", []byte(`
targets: [{app: a, url: "http://10.0.0.1"}]
checks: [{name: disk, kind: disk, path: /}]
maintenance: [{name: sunday, days: [sunday], from: "02:00", to: "04:30", timezone: UTC}]
network: {deny: ["10.9.0.0/16"]}
alerting: {heartbeat: {url: "https://hc.example.org/ping/abc"}}
discovery: {mdns: {}}
`))
	if err != nil {
		t.Fatal(err)
	}
	got := c.Text()
	for _, want := range []string{
		"interval: 30s", "timeout: 5s", "unhealthy: 2", "max_targets: 10000", "read: open", "debug: local", "local_trust: true", "prober: icmp", "follow_redirects: true",
		"- name: disk", "kind: disk", "path: /", `from: "02:00"`, "days: [sunday]", "heartbeat:\n        url: https://hc.example.org/<secret>\n        interval: 5m", "_health-check._tcp", "10.9.0.0/16", "127.0.0.0/8", "sections: [os,",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not shown", want)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

// secretNames are names of keys and headers as programs have them, each a secret by one
// word of its own. They are not taken from what the code knows.
const secretNames = `password smtp_pass passphrase db_passwd client_secret SecretAccess access_token tokenValue X-Token
	credentials azure_credential Cookie Set-Cookie session_cookie X-Auth auth_header Proxy-Authorization
	apikey X-Api-Key apiKey api-key key ssh_key license_key private private_pem PrivateData session X-Session-Id
	bearer BearerValue signature X-Hub-Signature-256 X-Amz-Signature`

// publicNames look like names of secrets, and are shown.
const publicNames = `password_file bearer_token_file token_url authorization oauth2 basic_auth tokens password_ref
	credentials_ref validate_authority_rrs signature_algorithm key_file monkey keyboard_layout username method url app`

func TestSecretNames(t *testing.T) {
	for name := range strings.FieldsSeq(secretNames) {
		for _, value := range []any{"v-SECRET", map[string]any{"below": "v-SECRET"}, []any{map[string]any{"below": "v-SECRET"}}, 123456} {
			if got := text(render(map[string]any{name: value})); strings.Contains(got, "SECRET") || strings.Contains(got, "123456") {
				t.Errorf("what is below a secret's name is shown: %s", got)
			}
		}
	}
	for name := range strings.FieldsSeq(publicNames) {
		if got := text(render(map[string]any{name: map[string]any{"below": "shown"}})); !strings.Contains(got, "shown") {
			t.Errorf("what is below is hidden: %s", got)
		}
		if got := text(render(map[string]any{name: "shown"})); !strings.Contains(got, "shown") {
			t.Errorf("the value is hidden: %s", got)
		}
	}
}

// TestHeaders: of headers only those are shown that say nothing of who asks.
func TestHeaders(t *testing.T) {
	c, err := parse("c.yml", []byte(`
modules:
  m: {prober: http, http: {headers: {X-Tenant: SECRET1, X-Key: SECRET2, Accept: text/html, authorization: Bearer SECRET3}, http_headers: {X-Other: {values: [SECRET4], secrets: [SECRET5]}}}}
  w: {prober: websocket, websocket: {headers: {Sec-Token: {values: [SECRET6]}, User-Agent: {values: [probe]}}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	got := c.Text()
	if strings.Contains(got, "SECRET") {
		t.Errorf("shown:\n%s", got)
	}
	for _, want := range []string{"X-Tenant: <secret>", "Accept: text/html", "probe"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not shown:\n%s", want, got)
		}
	}
}
