package config

import (
	"strings"
	"testing"
	"time"
)

// TestOddFiles loads what is legal, and what people do although nobody expects it.
func TestOddFiles(t *testing.T) {
	for _, test := range []struct {
		name, text string
		check      func(*testing.T, *Config)
	}{
		{"an anchor in a block", `
modules:
  a: {prober: http, http: {tls_config: &tls {server_name: a.example.org}}}
  b: {prober: tcp, tcp: {tls: true, tls_config: *tls}}
`, hasKinds("a", "http", "b", "tcp")},
		{"a merged module with a block of its own", `
modules:
  a: &a {prober: http, timeout: 3s, http: {method: POST, headers: {Host: one}}}
  b: {<<: *a, http: {headers: {Host: two}}}
`, func(t *testing.T, c *Config) {
			for module, want := range map[string]string{"a": "one", "b": "two"} {
				if m := c.Modules[module]; m.HostHeader() != want || m.Timeout() != 3*time.Second {
					t.Errorf("%s: host %q, timeout %v", module, m.HostHeader(), m.Timeout())
				}
			}
		}},
		{"a list of merged mappings, the first of which wins", `
modules:
  a: &a {prober: tcp, timeout: 1s}
  b: &b {prober: http, timeout: 2s}
  c: {<<: [*b, *a]}
`, func(t *testing.T, c *Config) {
			if m := c.Modules["c"]; m.Kind() != "http" || m.Timeout() != 2*time.Second {
				t.Errorf("%s %v", m.Kind(), m.Timeout())
			}
		}},
		{
			"an alias for a whole block", "modules:\n  a: {prober: http, http: &h {headers: {Host: x}}}\n  b: {prober: http, http: *h}",
			func(t *testing.T, c *Config) {
				if c.Modules["b"].HostHeader() != "x" {
					t.Error("the block is lost")
				}
			},
		},
		{"blocks of other kinds", "modules: {a: {prober: tcp, http: {method: PUT}, icmp: {ttl: 3}, dns: {query_name: x}}}", hasKinds("a", "tcp")},
		{
			"blocks with nothing in them", "modules:\n  a:\n    prober: http\n    http:\n  b: {prober: tcp, tcp: {}}\n  c: {prober: icmp, icmp: null}\n",
			hasKinds("a", "http", "b", "tcp", "c", "icmp"),
		},
		{"a name without a module", "modules: {a: null, http_2xx: null}", hasKinds("a", "", "http_2xx", "http")},
		{"kind dns without its block", "modules: {a: {prober: dns}, b: {prober: dns, dns: null}}", hasKinds("a", "dns", "b", "dns")},
		{"a block on one line, in JSON", `{"modules": {"a": {"prober": "http", "http": {"method": "GET"}}}}`, hasKinds("a", "http")},
		{"Windows line ends, and a byte order mark", "\ufeffmodules:\r\n  a:\r\n    prober: tcp\r\n", hasKinds("a", "tcp")},
		{"comments only below a key", "modules:\n  # none yet\n", hasKinds("http_2xx", "http")},
		{"empty values", "modules: {a: {prober: http, timeout: , http: {headers: , valid_status_codes: , body: }}}", hasKinds("a", "http")},
		{"empty lists", "modules: {a: {prober: http, http: {valid_status_codes: [], valid_http_versions: [], fail_if_body_matches_regexp: []}}}", hasKinds("a", "http")},
		{"numbers and dates as texts", "modules: {a: {prober: http, http: {body: 2026-01-01, headers: {X-A: 5, X-B: true}}}}", hasKinds("a", "http")},
		{"bytes in base64", "modules: {a: {prober: tcp, tcp: {query_response: [{expect_bytes: !!binary AAEC}, {expect: !!binary XjIyMA==}]}}}", hasKinds("a", "tcp")},
		{
			"deprecated keys", "modules: {a: {prober: http, http: {no_follow_redirects: true, bearer_token: x}}, b: {prober: http, http: {bearer_token_file: /tmp/x}}}",
			hasKinds("a", "http", "b", "http"),
		},
		{"reserved headers of kind websocket", "modules: {a: {prober: websocket, websocket: {headers: {Host: {values: [x]}, Authorization: {secrets: [y]}}}}}", hasKinds("a", "websocket")},
		{"a module with an odd name", "modules: {\"a b/c\": {prober: tcp}, \"\": {prober: tcp}, 5: {prober: tcp}}", hasKinds("a b/c", "tcp", "", "tcp", "5", "tcp")},
		{"keys that matter elsewhere only", "modules: {a: {prober: websocket, websocket: {http_config: {proxy_url: 'http://x', enable_http2: false}}}}", hasKinds("a", "websocket")},
		{"a code that HTTP does not know", "modules: {a: {prober: http, http: {valid_status_codes: [200, 999]}}}", hasKinds("a", "http")},
		{"codes that cannot be", "modules: {a: {prober: http, http: {valid_status_codes: [0, -1, 99, 1000, 99999, 200.0, 0xC8, 1_00, ~]}}}", hasWarnings(
			"valid_status_codes[0]: 0 is not", "valid_status_codes[1]: -1 is not", "valid_status_codes[2]: 99 is not", "valid_status_codes[3]: 1000 is not",
			"valid_status_codes[4]: 99999 is not", "valid_status_codes[8]: 0 is not")},
		{"a code that kind health cannot have", "modules: {a: {prober: health, health: {valid_status_codes: [20]}}}", hasWarnings("valid_status_codes[0]: 20 is not")},
		{"files that are not there", "modules: {a: {prober: http, http: {body_file: /nowhere, tls_config: {ca_file: /nowhere}, basic_auth: {password_file: /nowhere}}}}", hasKinds("a", "http")},
		{"an empty proxy", "modules: {a: {prober: http, http: {proxy_url: \"\"}}}", hasKinds("a", "http")},
		{"oauth2 where it does not act", "modules: {a: {prober: websocket, websocket: {http_config: {oauth2: {client_id: a, token_url: 'http://x'}}}}}", hasKinds("a", "websocket")},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := parse("c.yml", []byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			test.check(t, c)
		})
	}
}

// hasWarnings checks that these are all the warnings that there are.
func hasWarnings(parts ...string) func(*testing.T, *Config) {
	return func(t *testing.T, c *Config) {
		t.Helper()
		list := c.Warnings(Known{})
		if len(list) != len(parts) {
			t.Fatalf("%d warnings, want %d: %v", len(list), len(parts), list)
		}
		for i, part := range parts {
			if !strings.Contains(list[i].String(), part) {
				t.Errorf("%q is not in %s", part, list[i])
			}
		}
	}
}

// hasKinds checks the kinds of modules; none means that there is no such module.
func hasKinds(namesAndKinds ...string) func(*testing.T, *Config) {
	return func(t *testing.T, c *Config) {
		t.Helper()
		for i := 0; i < len(namesAndKinds); i += 2 {
			if got, _ := c.KindOf(namesAndKinds[i]); string(got) != namesAndKinds[i+1] {
				t.Errorf("module %q is of kind %q, want %q", namesAndKinds[i], got, namesAndKinds[i+1])
			}
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "1m30s": 90 * time.Second, "500ms": 500 * time.Millisecond, "1.5s": 1500 * time.Millisecond,
		"2h": 2 * time.Hour, "1d": 24 * time.Hour, "1h0m0.5s": time.Hour + 500*time.Millisecond, "250us": 250 * time.Microsecond,
		"0": 0, "0s": 0, "-1s": -time.Second, `"7s"`: 7 * time.Second,
	} {
		c, err := parse("c.yml", []byte("modules: {a: {prober: icmp, timeout: "+text+"}}"))
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := c.Modules["a"].Timeout(); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	// Keys of package prober have the same durations.
	for _, text := range []string{"1s", "1d", "100ms", "0.5s"} {
		if _, err := parse("c.yml", []byte("modules: {a: {prober: icmp, icmp: {interval: "+text+"}}}")); err != nil {
			t.Error(err)
		}
	}
}

// TestRefusedModules compares what is said of modules that blackbox_exporter
// refuses as well.
func TestRefusedModules(t *testing.T) {
	http := func(keys string) string { return "modules:\n  m:\n    prober: http\n    http: {" + keys + "}" }
	for _, test := range []struct{ name, text, want string }{
		{"unknown top-level key", "x-tls: &tls {}\nmodules: {}", "line 1: x-tls: unknown key"},
		{"unknown key of a module", "modules:\n  m:\n    prober: http\n    timeouts: 5s", "line 4: modules.m.timeouts: unknown key"},
		{"unknown key of a block", http("methods: GET"), `line 4: modules.m.http.methods: unknown key; did you mean "method"?`},
		{"unknown key deep down", http("tls_config: {ca_fil: x}"), `line 4: modules.m.http.tls_config.ca_fil: unknown key; did you mean "ca_file"?`},
		{"unknown key in a block of another kind", "modules:\n  m:\n    prober: tcp\n    http: {wat: 1}", "line 4: modules.m.http.wat: unknown key"},
		{"key twice in a block", http("method: GET, method: POST"), "line 4: modules.m.http.method: key given twice, first on line 4"},
		{"module twice", "modules:\n  m: {prober: tcp}\n  m: {prober: tcp}", "line 3: modules.m: key given twice, first on line 2"},
		{"kind in capitals", "modules:\n  m:\n    prober: HTTP", `line 3: modules.m.prober: "HTTP" is not a kind of probe`},
		{"no kind", "modules:\n  m: {}", `line 2: modules.m.prober: "" is not a kind of probe`},
		{"duration without a unit", "modules:\n  m:\n    prober: tcp\n    timeout: 5", `line 4: modules.m.timeout: "5" is not a valid duration`},
		{"duration without a unit in a block", "modules:\n  m:\n    prober: icmp\n    icmp: {interval: 5}", `line 4: modules.m.icmp.interval: "5" is not a valid duration`},
		{"duration that is a list", "modules:\n  m:\n    prober: icmp\n    icmp: {interval: [5s]}", `line 4: modules.m.icmp.interval: must be a single value, not a list`},
		{"a scalar for a list", http("valid_status_codes: 200"), `line 4: modules.m.http.valid_status_codes: must be a list, not "200"`},
		{"body and body_file", http("body: x, body_file: y"), "line 4: modules.m.http.body_file: cannot be used together with body"},
		{"bad regexp", http("fail_if_body_not_matches_regexp: ['(']"), "line 4: modules.m.http.fail_if_body_not_matches_regexp[0]: error parsing regexp"},
		{"header condition without a header", http("fail_if_header_matches: [{regexp: x}]"), "line 4: modules.m.http.fail_if_header_matches[0].header: must be set"},
		{"header condition without a regexp", http("fail_if_header_not_matches: [{header: x}]"), "line 4: modules.m.http.fail_if_header_not_matches[0].regexp: must be set"},
		{"reserved header", http("http_headers: {Host: {values: [x]}}"), `line 4: modules.m.http.http_headers: setting header "Host" is not allowed`},
		{"limit without a unit", http("body_size_limit: 1000"), `line 4: modules.m.http.body_size_limit: "1000" is not a valid size with a unit`},
		{"limit with a unit of SI", http("body_size_limit: 10kB"), `line 4: modules.m.http.body_size_limit: "10kB" is not a valid size with a unit`},
		{"two ways to log in", http("basic_auth: {username: a}, bearer_token: b"), "line 4: modules.m.http.bearer_token: at most one of basic_auth"},
		{"authorization of type basic", http("authorization: {type: basic}"), "line 4: modules.m.http.authorization: authorization type cannot be set to \"basic\""},
		{"compression that is not accepted", http("compression: gzip, headers: {accept-encoding: 'br, gzip;q=0'}"), `line 4: modules.m.http.compression: "gzip" does not go with the header Accept-Encoding`},
		{"no_proxy without a proxy", http("no_proxy: x"), "line 4: modules.m.http.no_proxy: "},
		{"HTTP/3 without being enabled", http("valid_http_versions: [HTTP/3.0]"), "line 4: modules.m.http.valid_http_versions"},
		{"HTTP/3 with HTTP/2", http("enable_http3: true"), "line 4: modules.m.http.enable_http3"},
		{"a code that is too large", http("valid_status_codes: [99999999999999999999]"), "line 4: modules.m.http.valid_status_codes[0]: "},
		{"half a code", http("valid_status_codes: [200.5]"), "line 4: modules.m.http.valid_status_codes[0]: "},
		{"a class that is none", http("valid_status_codes: [6xx]"), "line 4: modules.m.http.valid_status_codes[0]: "},
		{"a code that a target cannot have", "targets: [{app: a, url: 'http://x', valid_status_codes: [0]}]", "line 1: targets[0].valid_status_codes[0]: 0 is not a status code"},
		{"empty CEL", http("fail_if_body_json_matches_cel: ''"), "line 4: modules.m.http.fail_if_body_json_matches_cel: "},
		{"key without certificate", http("tls_config: {key_file: x}"), "line 4: modules.m.http.tls_config: exactly one of cert or cert_file"},
		{"two ways to give a CA", http("tls_config: {ca: x, ca_file: y}"), "line 4: modules.m.http.tls_config: at most one of ca"},
		{"unknown TLS version", http("tls_config: {min_version: TLS14}"), "line 4: modules.m.http.tls_config.min_version: unknown TLS version: TLS14"},
		{"secret manager", http("basic_auth: {username: a, password_ref: b}"), "line 4: modules.m.http.basic_auth: username_ref and password_ref are secret references"},
		{
			"expect and expect_bytes", "modules:\n  m:\n    prober: tcp\n    tcp:\n      query_response:\n      - {expect: a}\n      - {expect: a, expect_bytes: b}",
			"line 7: modules.m.tcp.query_response[1].expect_bytes: cannot be used together with expect",
		},
		{
			"bad regexp in base64", "modules:\n  m:\n    prober: tcp\n    tcp: {query_response: [{expect: !!binary KA==}]}",
			"line 4: modules.m.tcp.query_response[0].expect: error parsing regexp",
		},
		{
			"bad regexp in a dialogue", "modules:\n  m:\n    prober: unix\n    unix:\n      query_response:\n      - expect: '['",
			"line 6: modules.m.unix.query_response[0].expect: error parsing regexp",
		},
		{"kind dns without a name", "modules:\n  m:\n    prober: dns\n    dns: {query_type: A}", "line 4: modules.m.dns.query_name: must be set"},
		{"unknown type of record", "modules:\n  m:\n    prober: dns\n    dns:\n      query_name: x\n      query_type: WAT", `line 6: modules.m.dns.query_type: "WAT" is not a valid DNS record type`},
		{"unknown class", "modules:\n  m:\n    prober: dns\n    dns: {query_name: x, query_class: ZZ}", `line 4: modules.m.dns.query_class: "ZZ" is not a valid DNS record class`},
		{"ttl too large", "modules:\n  m:\n    prober: icmp\n    icmp: {ttl: 256}", "line 4: modules.m.icmp.ttl: must be from 0 to 255, not 256"},
		{"metadata that is not a list", "modules:\n  m:\n    prober: grpc\n    grpc: {metadata: {a: b}}", `line 4: modules.m.grpc.metadata.a: must be a list, not "b"`},
		{
			"header of websocket that is a text", "modules:\n  m:\n    prober: websocket\n    websocket: {headers: {Origin: x}}",
			`line 4: modules.m.websocket.headers.Origin: must be a mapping of keys to values, not "x"`,
		},
		{"oauth2 without a client", "modules:\n  m:\n    prober: http\n    http:\n      oauth2: {token_url: 'http://x'}", "line 5: modules.m.http.oauth2"},
		{"target of a module that is only a name", "modules: {m: null}\ntargets:\n- {app: a, url: 'http://x', module: m}", `line 3: targets[0].module: unknown module "m"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := parse("c.yml", []byte(test.text))
			if err == nil || !strings.Contains(err.Error(), "  "+test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			} else if n := strings.Count(err.Error(), "\n"); n != 1 {
				t.Errorf("one mistake gives %d faults: %s", n, err)
			}
		})
	}
}

// TestFingerprintsSeeThroughAliases changes what an alias stands for: the module
// that has it is another one then.
func TestFingerprintsSeeThroughAliases(t *testing.T) {
	fingerprint := func(host, block string) string {
		c, err := parse("c.yml", []byte("modules:\n  a: {prober: http, http: &a {headers: &h {Host: "+host+"}}}\n  b: {prober: http, http: "+block+"}"))
		if err != nil {
			t.Fatal(err)
		}
		return c.Modules["b"].Fingerprint()
	}
	for _, block := range []string{"*a", "{headers: *h}", "{<<: *a}", "{headers: {<<: *h}}"} {
		if fingerprint("one", block) == fingerprint("two", block) {
			t.Errorf("%s: the fingerprint does not show what it stands for", block)
		}
		if fingerprint("one", block) != fingerprint("one", "{headers: {Host: one}}") {
			t.Errorf("%s: the fingerprint is not that of the same module without aliases", block)
		}
	}
}
