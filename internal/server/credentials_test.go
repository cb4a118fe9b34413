package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/prober"
)

// credentials are modules that hold some, of each kind, and the place that they are for.
var credentials = []struct{ name, kind, options, field, place string }{
	{"basic", "http", "basic_auth: {username: u, password: p}", "url", "http://§/"},
	{"basic_file", "http", "basic_auth: {username: u, password_file: /nowhere}", "url", "http://§/"},
	{"authorization", "http", "authorization: {credentials: x}", "url", "http://§/"},
	{"bearer", "http", "bearer_token: x", "url", "http://§/"},
	{"bearer_file", "health", "bearer_token_file: /nowhere", "url", "http://§/"},
	{"oauth", "http", "oauth2: {client_id: c, client_secret: s, token_url: 'http://h/'}", "url", "http://§/"},
	{"header", "http", "headers: {X-Api-Key: x}", "url", "https://§/"},
	{"header_secret", "health", "http_headers: {X-Plain: {secrets: [x]}}", "url", "http://§/"},
	{"header_file", "health", "http_headers: {X-Plain: {files: [/nowhere]}}", "url", "http://§/"},
	{"certificate", "http", "tls_config: {cert_file: /nowhere, key_file: /nowhere}", "url", "https://§/"},
	{"body", "http", "{method: POST, body: 'password=hunter2'}", "url", "http://§/"},
	{"metadata", "grpc", "metadata: {authorization: [x]}", "address", "§:443"},
	{"pass", "tcp", "query_response: [{send: PASS hunter2}]", "address", "§:25"},
	{"auth", "tcp", "query_response: [{send: AUTH secret}]", "address", "§:6379"},
	{"websocket", "websocket", "http_config: {bearer_token: x}", "address", "ws://§/"},
	{"dns", "dns", "{query_name: a.example, transport_protocol: tcp, dns_over_tls: true, tls_config: {cert_file: /nowhere, key_file: /nowhere}}", "address", "§"},
}

// TestRegistrationsGetNoCredentials of a module unless it names their host, whoever and
// wherever they are.
func TestRegistrationsGetNoCredentials(t *testing.T) {
	f := newFixture(t)
	for _, each := range credentials {
		for _, allow := range []struct {
			name  string
			rules []string
		}{{"", nil}, {"_host", []string{"10.0.0.1", "*.good.example"}}, {"_any", []string{"*"}}} {
			src := prober.ModuleSource{Kind: prober.Kind(each.kind), Text: []byte(each.options), Decode: func(into any) error { return yaml.Unmarshal([]byte(each.options), into) }}
			for _, text := range allow.rules {
				rule, _, err := prober.ParseNetworkRule(text)
				if err != nil {
					t.Fatal(err)
				}
				src.Allow = append(src.Allow, rule)
			}
			m, err := prober.NewModule(src)
			if err != nil {
				t.Fatalf("%s: %v", each.name, err)
			}
			f.settings.Modules[each.name+allow.name] = m
		}
	}
	register := func(module, field, place string, dry bool, header ...string) *httptest.ResponseRecorder {
		path := "/api/v1/targets"
		if dry {
			path += "?dry_run=true"
		}
		return f.do("POST", path, `{"app": "a", "module": "`+module+`", "`+field+`": "`+place+`"}`, header...)
	}
	tries := 0
	for _, each := range credentials {
		for _, source := range []struct {
			from   string
			header []string
		}{
			{"127.0.0.1:1", nil},
			{"10.1.2.3:1", nil},
			{"[fd00::1]:1", nil},
			{"10.1.2.3:1", []string{"Authorization", "Bearer secret-shop"}},
			{"203.0.113.9:1", []string{"Authorization", "Bearer secret-admin"}},
		} {
			f.from = source.from
			for _, test := range []struct {
				suffix, host string
				want         bool
			}{
				{"", "10.0.0.1", false},
				{"", "evil.example", false},
				{"_host", "10.0.0.1", true},
				{"_host", "a.good.example", true},
				{"_host", "A.GOOD.example", true},
				{"_host", "10.0.0.2", false},
				{"_host", "[::ffff:10.0.0.2]", false},
				{"_host", "0x0a.2", false},
				{"_host", "10.0.0.1.", true},
				{"_any", "evil.example", true},
			} {
				if each.kind == "dns" && strings.ContainsAny(test.host, "[x") {
					continue
				}
				tries++
				module, host, place := each.name+test.suffix, test.host, strings.ReplaceAll(each.place, "§", test.host)
				w := register(module, each.field, place, false, source.header...)
				if test.want {
					if w.Code != http.StatusCreated && w.Code != http.StatusOK {
						t.Errorf("%s for %s from %s: %d %s", module, place, source.from, w.Code, w.Body)
					}
					f.do("DELETE", "/api/v1/targets/a", "", source.header...)
					continue
				}
				body := w.Body.String()
				if w.Code != http.StatusBadRequest || !strings.Contains(body, `"field":"module"`) || !strings.Contains(body, module) || !strings.Contains(body, host) || !strings.Contains(body, "modules."+module+".allow") {
					t.Errorf("%s for %s from %s: %d %s", module, place, source.from, w.Code, body)
				}
				if dry := register(module, each.field, place, true, source.header...); dry.Code != http.StatusBadRequest {
					t.Errorf("dry run of %s for %s: %d", module, place, dry.Code)
				}
				if len(f.registry.Targets()) != 0 {
					t.Fatalf("%s for %s is stored", module, place)
				}
			}
		}
	}
	f.from = "10.1.2.3:1"
	f.expect(http.StatusCreated, register("http_2xx", "url", "http://evil.example/", false)) // which holds none
	t.Logf("%d registrations", tries)
}

// TestAdHocProbesKeepToAllow of their module, if it has any.
func TestAdHocProbesKeepToAllow(t *testing.T) {
	f := newFixture(t)
	seen := ""
	peer := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen += r.Header.Get("Authorization") }))
	defer peer.Close()
	for name, allow := range map[string][]string{"free": nil, "here": {"127.0.0.1"}, "other": {"10.0.0.1", "127.0.0.2"}, "named": {"a.example"}} {
		src := prober.ModuleSource{Kind: "http", Text: []byte(name), Decode: func(into any) error {
			return yaml.Unmarshal([]byte("basic_auth: {username: u, password: p}"), into)
		}}
		for _, text := range allow {
			rule, _, err := prober.ParseNetworkRule(text)
			if err != nil {
				t.Fatal(err)
			}
			src.Allow = append(src.Allow, rule)
		}
		var err error
		if f.settings.Modules[name], err = prober.NewModule(src); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ module, target, want, seen string }{
		{"free", peer.URL, "\nprobe_success 1\n", "Basic dTpw"},
		{"here", peer.URL, "\nprobe_success 1\n", "Basic dTpw"},
		{"other", peer.URL, `reason="policy"`, ""},
		{"named", peer.URL, `reason="policy"`, ""},
		{"named", "http://evil.example/", `reason="policy"`, ""}, // whether or not it can be found
		{"named", strings.Replace(peer.URL, "127.0.0.1", "localhost", 1), `reason="policy"`, ""},
	} {
		seen = ""
		w := f.do("GET", "/probe?module="+test.module+"&target="+test.target, "")
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), test.want) || seen != test.seen {
			t.Errorf("%s for %s: %d, seen %q: %s", test.module, test.target, w.Code, seen, w.Body)
		}
	}
}
