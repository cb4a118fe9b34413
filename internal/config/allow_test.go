package config

import (
	"slices"
	"strings"
	"testing"
)

const basicAuth = "http: {basic_auth: {username: u, password: hunter2hunter2}}"

// TestAllowOfModules binds the targets of the file as it binds others.
func TestAllowOfModules(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"modules: {m: {prober: http, allow: [a.example, 10.0.0.0/8], " + basicAuth + "}}\ntargets:\n- {app: x, url: 'http://a.example/', module: m}\n- {app: y, url: 'https://10.1.2.3:8443/', module: m}", ""},
		{"modules: {m: {prober: http, allow: [a.example], " + basicAuth + "}}\ntargets:\n- app: x\n  module: m\n  url: http://b.example/", `line 5: targets[0].url: "b.example" is not among the hosts in modules.m.allow`},
		{"modules: {m: {prober: http, allow: ['a.example:443'], " + basicAuth + "}}\ntargets: [{app: x, url: 'http://a.example/', module: m}]", `targets[0].url: "a.example" is not among`},
		{"modules: {m: {prober: tcp, allow: [10.0.0.0/8]}}\ntargets: [{app: x, address: '11.0.0.1:80', module: m}]", `targets[0].address: "11.0.0.1:80" is not among the hosts in modules.m.allow`},
		{"modules: {m: {prober: unix, allow: [10.0.0.0/8]}}\ntargets: [{app: x, address: /run/x, module: m}]", `targets[0].address`},
		{"modules: {m: {prober: unix, allow: ['*']}}\ntargets: [{app: x, address: /run/x, module: m}]", ""},
		{"modules: {m: {prober: http, " + basicAuth + "}}\ntargets: [{app: x, url: 'http://b.example/', module: m}]", ""},
		{"modules:\n  m:\n    prober: http\n    allow: []", "line 4: modules.m.allow: names no host"},
		{"modules:\n  m:\n    prober: http\n    allow: [http://u:hunter2hunter2@a.example/]", "line 4: modules.m.allow: "},
		{"modules: {m: {prober: http, allow: ['a.example:0']}}", `modules.m.allow: `},
		{"modules: {m: {prober: http, allow: [0x7f.1]}}", `unusual spelling`},
		{"modules: {m: {prober: http, allow: a.example}}", "modules.m.allow"},
	} {
		_, err := parse("c.yml", []byte(test.text))
		if got := errText(err); (test.want == "") != (err == nil) || !strings.Contains(got, test.want) || strings.Contains(got, "hunter2") {
			t.Errorf("%s:\ngot  %s\nwant %s", test.text, got, test.want)
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestWarningsAboutCredentials: one for each module that holds some and allows nobody.
func TestWarningsAboutCredentials(t *testing.T) {
	c, err := parse("c.yml", []byte(`
modules:
  free: {prober: http}
  open: {prober: http, http: {basic_auth: {username: u, password: p}, headers: {Cookie: a}}}
  kept: {prober: http, allow: [a.example], http: {basic_auth: {username: u, password: p}}}
  anywhere: {prober: http, allow: ["*"], http: {basic_auth: {username: u, password: p}}}
  masked: {prober: http, allow: [10.0.0.1/8], http: {basic_auth: {username: u, password: p}}}
  talk: {prober: tcp, tcp: {query_response: [{send: AUTH hunter}]}}
targets:
  - {app: a, url: "http://a.example/", module: open}
  - {app: b, url: "http://a.example/", module: open}
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range c.Warnings(Known{}) {
		got = append(got, w.String())
	}
	want := []string{"line 4: modules.open: holds credentials (basic_auth, headers.Cookie)", "line 7: modules.masked.allow: ", "line 8: modules.talk: holds credentials (query_response[0].send)"}
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if text := c.ModuleText("kept") + c.ModuleText("talk"); !strings.Contains(text, "allow: [a.example]") || strings.Contains(text, "hunter") {
		t.Errorf("/config shows:\n%s", text)
	}
}
