package prober

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

func moduleFrom(t testing.TB, kind, text string, allow ...string) *Module {
	t.Helper()
	src := ModuleSource{Kind: Kind(kind), Text: []byte(text), Decode: func(into any) error { return yaml.Unmarshal([]byte(text), into) }}
	if len(allow) > 0 {
		src.Allow = rules(t, allow...).Allow
	}
	m, err := NewModule(src)
	if err != nil {
		t.Fatalf("%s %s: %v", kind, text, err)
	}
	return m
}

// TestCredentials of all kinds, and of none where there are none.
func TestCredentials(t *testing.T) {
	body := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(body, []byte(`{"user": "u", "password": "hunter2hunter2"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	cert := "tls_config: {cert_file: c.pem, key_file: k.pem}"
	for _, test := range []struct{ kind, text, want string }{
		{"health", "{}", ""},
		{"health", "basic_auth: {username: u, password: p}", "basic_auth"},
		{"health", "basic_auth: {username: u, password_file: f}", "basic_auth"},
		{"health", "bearer_token: t", "authorization"},
		{"health", "bearer_token_file: f", "authorization"},
		{"health", "authorization: {type: Api, credentials_file: f}", "authorization"},
		{"health", "oauth2: {client_id: c, client_secret: s, token_url: 'http://h'}", "oauth2"},
		{"health", cert, "tls_config"},
		{"health", "tls_config: {ca_file: c, server_name: n, insecure_skip_verify: true}", ""},
		{"health", "http_headers: {X-Api-Key: {values: [v]}}", "http_headers.X-Api-Key"},
		{"health", "http_headers: {X-Plain: {secrets: [v]}}", "http_headers.X-Plain"},
		{"health", "http_headers: {X-Plain: {files: [v]}}", "http_headers.X-Plain"},
		{"health", "http_headers: {X-Plain: {values: [v]}}", ""},
		{"health", "proxy_url: 'http://u:p@proxy'", ""}, // only the proxy sees it
		{"http", "{}", ""},
		{"http", "{method: POST, body: '{\"name\": \"x\"}', headers: {Accept: a/b, Cache-Control: no-cache, Origin: 'http://h', Host: h}}", ""},
		{"http", "headers: {Authorization: Basic eDp5}", "headers.Authorization"},
		{"http", "headers: {cookie: session=1234567890}", "headers.cookie"},
		{"http", "headers: {X-Auth-Token: abcdefgh}", "headers.X-Auth-Token"},
		{"http", "headers: {X-Api-Key: abcdefgh}", "headers.X-Api-Key"},
		{"http", "headers: {X-Other: Bearer abcdefghijklmnop}", "headers.X-Other"},
		{"http", "{method: POST, body: 'user=u&password=hunter2hunter2'}", "body"},
		{"http", "{method: POST, body_file: '" + body + "'}", "body"},
		{"http", "{basic_auth: {username: u}, " + cert + "}", "basic_auth tls_config"},
		{"websocket", "{}", ""},
		{"websocket", "http_config: {basic_auth: {username: u}}", "http_config.basic_auth"},
		{"websocket", "headers: {Authorization: {secrets: [x]}}", "headers.Authorization"},
		{"websocket", "query_response: [{send: '{\"token\": \"abcdefgh\"}'}]", "query_response[0].send"},
		{"websocket", "http_config: {" + cert + "}", "http_config.tls_config"},
		{"grpc", "{}", ""},
		{"grpc", "metadata: {authorization: [Bearer x]}", "metadata.authorization"},
		{"grpc", "metadata: {x-trace: [a]}", ""},
		{"grpc", "{tls: true, " + cert + "}", "tls_config"},
		{"tcp", "query_response: [{expect: '^220', send: EHLO prober}, {send: QUIT}]", ""},
		{"tcp", "query_response: [{expect: '^220'}, {send: PASS hunter2}]", "query_response[1].send"},
		{"tcp", "query_response: [{send: AUTH hunter2}]", "query_response[0].send"},
		{"tcp", "{tls: true, " + cert + "}", "tls_config"},
		{"http", "headers: {X-Session: abcdefgh}", "headers.X-Session"},
		{"http", "headers: {X-Tenant: 'key-0123456789abcdef0123456789abcdef'}", "headers.X-Tenant"},
		{"http", "headers: {Accept-Language: en, Cache-Control: no-cache, Referer: 'http://h/'}", ""},
		{"http", "{method: POST, body_file: /nowhere/at/all}", "body_file"},
		{"http", "{method: POST, body: '<x><password>hunter2</password></x>'}", "body"},
		{"grpc", "metadata: {x-api-key: [a]}", "metadata.x-api-key"},
		{"tcp", "query_response: [{expect: '^220'}, {send: AUTH TLS}, {starttls: true}]", ""},
		{"tcp", "query_response: [{send: AUTH secret}]", "query_response[0].send"},
		{"tcp", "query_response: [{send: pass secret}]", "query_response[0].send"},
		{"tcp", `query_response: [{send: "AUTH secret\r\nPING\r"}]`, "query_response[0].send"},
		{"tcp", `query_response: [{send: "USER me\r\nPASS secret\r"}]`, "query_response[0].send"},
		{
			"tcp", "query_response: [{send: EHLO x}, {send: AUTH LOGIN}, {expect: '^334', send: bWU=}, {expect: '^334', send: c2VjcmV0}, {expect: '^235'}, {send: QUIT}]",
			"query_response[2].send query_response[3].send",
		},
		{"tcp", "query_response: [{send: AUTH PLAIN}, {expect: '^334', send: AG1lAHNlY3JldA}]", "query_response[1].send"},
		{"tcp", "query_response: [{send: AUTH PLAIN AG1lAHNlY3JldA==}]", "query_response[0].send"},
		{"tcp", "query_response: [{send: a1 LOGIN me secret}, {send: a2 LOGOUT}]", "query_response[0].send"},
		{"tcp", "query_response: [{send: a1 AUTHENTICATE PLAIN}, {send: AG1lAHNlY3JldA}]", "query_response[1].send"},
		{"tcp", "query_response: [{send: AUTHINFO USER me}, {send: AUTHINFO PASS secret}]", "query_response[0].send query_response[1].send"},
		{"tcp", "query_response: [{send: APOP me c4c9334bac560ecc979e58001b3e22fb}]", "query_response[0].send"},
		{"tcp", "query_response: [{send: OPER me secret}]", "query_response[0].send"},
		{"tcp", "query_response: [{send: 'GET /?password=hunter2 HTTP/1.0'}]", "query_response[0].send"},
		{"tcp", `query_response: [{send: "GET / HTTP/1.0\r\nAuthorization: Bearer secret\r\n\r"}]`, "query_response[0].send"},
		{"tcp", "query_response: [{send: 'X ${file:/run/secrets/a}'}]", "query_response[0].send"},
		{"tcp", "query_response: [{send: 'X ${env:A}'}]", "query_response[0].send"},
		{"tcp", "query_response: [{send: NICK prober}, {send: USER prober prober prober :prober}, {expect: 'PING :([^ ]+)', send: 'PONG ${1}'}, {send: QUIT}]", ""},
		{"tcp", "query_response: [{expect: '^SSH-2.0-([^ -]+)(?: (.*))?$', send: SSH-2.0-prober}]", ""},
		{"tcp", "query_response: [{send: !!binary AAAACATSFi8=}, {expect_bytes: S, starttls: true}, {send: !!binary AAAAAA==}]", ""},
		{"unix", "query_response: [{send: AUTH hunter2}]", "query_response[0].send"},
		{"unix", "{}", ""},
		{"dns", "{query_name: a.example}", ""},
		{"dns", "{query_name: a.example, dns_over_tls: true, " + cert + "}", "tls_config"},
		{"icmp", "{}", ""},
	} {
		if got := strings.Join(moduleFrom(t, test.kind, test.text).Credentials(), " "); got != test.want {
			t.Errorf("%s: %s: got %q, want %q", test.kind, test.text, got, test.want)
		}
	}
	for _, kind := range Kinds() { // none is forgotten
		if s := kinds[Kind(kind)].new(); kind != "icmp" {
			if _, ok := s.(holder); !ok {
				t.Errorf("kind %s does not say what it holds", kind)
			}
		}
	}
}
