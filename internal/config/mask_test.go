package config

import (
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
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

// secretNames are names of keys and headers as programs have them, each a secret by one
// word of its own. They are not taken from what the code knows.
const secretNames = `password smtp_pass passphrase db_passwd client_secret SecretAccess access_token tokenValue X-Token
	credentials azure_credential Cookie Set-Cookie session_cookie X-Auth auth_header Proxy-Authorization
	apikey X-Api-Key apiKey api-key key ssh_key license_key private private_pem PrivateData session X-Session-Id
	bearer BearerValue signature X-Hub-Signature-256 X-Amz-Signature`

// publicNames look like names of secrets, and are shown.
const publicNames = `password_file bearer_token_file token_url authorization oauth2 basic_auth tokens password_ref
	credentials_ref validate_authority_rrs signature_algorithm key_file monkey keyboard_layout keys username method url app`

func TestSecretNames(t *testing.T) {
	for name := range strings.FieldsSeq(secretNames) {
		if got := mapping(t, name, "v-SECRET"); strings.Contains(got, "SECRET") {
			t.Errorf("the value of a secret's name is shown: %s", got)
		}
		if got := mapping(t, name, "[{below: v-SECRET}]"); strings.Contains(got, "SECRET") {
			t.Errorf("what is below a secret's name is shown: %s", got)
		}
	}
	for name := range strings.FieldsSeq(publicNames) {
		if got := mapping(t, name, "{below: shown}"); !strings.Contains(got, "shown") {
			t.Errorf("what is below is hidden: %s", got)
		}
		if name == "authorization" {
			continue // a header of that name is a secret, the section is not
		}
		if got := mapping(t, name, "shown"); !strings.Contains(got, "shown") {
			t.Errorf("the value is hidden: %s", got)
		}
	}
}

// mapping is the text of a mapping with one key, as it is shown.
func mapping(t *testing.T, key, value string) string {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(key+": "+value), &document); err != nil {
		t.Fatal(err)
	}
	return maskedText(document.Content[0])
}

// TestSecretSpeech: what gives a password away in a dialogue with a server.
func TestSecretSpeech(t *testing.T) {
	for _, line := range []string{
		"AUTH PLAIN c-SECRET", "PASS SECRET", "a1 LOGIN me SECRET", "PRIVMSG NickServ :IDENTIFY SECRET", "TOKEN SECRET", "auth SECRET",
	} {
		if got := maskValue("send", line); strings.Contains(got, "SECRET") || !strings.Contains(got, masked) {
			t.Errorf("%q is shown as %q", line, got)
		}
	}
	for _, line := range []string{"EHLO prober", "PASSIVE", "AUTHORS?", "tokenize"} {
		if got := maskValue("send", line); got != line {
			t.Errorf("%q is shown as %q", line, got)
		}
	}
}
