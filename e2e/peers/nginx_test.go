package peers

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/testneed"
	"github.com/health-exporter/health_exporter/prober"
)

// web is an nginx with two names over TLS, one over plain HTTP, and one that wants
// certificates.
type web struct {
	ca                    *authority
	plain, secure, mutual string // ports
}

// asciiName is bücher.example.
const asciiName = "xn--bcher-kva.example"

func startNginx(t *testing.T) web {
	t.Helper()
	program := testneed.Program(t, "nginx-light", "nginx", "/usr/sbin/nginx")
	ports := freePorts(t, 3)
	w := web{ca: newAuthority(t), plain: ports[0], secure: ports[1], mutual: ports[2]}
	dir := w.ca.dir
	aCert, aKey := w.ca.issue(t, "a.example")
	bCert, bKey := w.ca.issue(t, asciiName)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(`{"status":"fail","output":"packed"}`))
	z.Close()
	write(t, dir, "health.json.gz", zipped.String())
	write(t, dir, "mark.json", "\xef\xbb\xbf"+`{"status":"warn","output":"marked"}`)
	write(t, dir, "big.json", `{"status":"fail","x":"`+strings.Repeat("x", 100<<10)+`"}`)
	server := func(listen, name, more string) string {
		return fmt.Sprintf(`server {
			listen 127.0.0.1:%s; server_name %s; root %s; default_type application/health+json; %s
			location = /go/lone { return 302 "/100%%/x"; }
			location = /go/blank { return 302 "/q?a=b c"; }
			location = /go/port { return 302 "http://127.0.0.1:%s/whoami"; }
			location = "/100%%/x" { return 200 "lone"; }
			location = /q { return 200 "$request_uri"; }
			location = /whoami { return 200 "[$http_authorization$http_x_api_key]"; }
			location = /packed/health { gzip_static always; alias %s/health.json; }
			location = /marked/health { alias %s/mark.json; }
			location = /big/health { alias %s/big.json; }
			location = /health { return 200 '{"status":"pass","serviceId":"%s"}'; }
			location = /a//b/health { return 200 '{"status":"pass"}'; }
			merge_slashes off;
		}`, listen, name, dir, more, w.plain, dir, dir, dir, strings.Fields(name)[0])
	}
	tls := func(cert, key string) string {
		return "ssl_certificate " + cert + "; ssl_certificate_key " + key + ";"
	}
	conf := `daemon off; error_log stderr warn; pid ` + dir + `/nginx.pid; worker_processes 1;
		events { worker_connections 64; }
		http {
			access_log off; keepalive_timeout 60;
			client_body_temp_path ` + dir + `/b; proxy_temp_path ` + dir + `/p; fastcgi_temp_path ` + dir + `/f; uwsgi_temp_path ` + dir + `/u; scgi_temp_path ` + dir + `/s;
			` + server(w.plain, "plain "+asciiName, "") + `
			` + server(w.secure+" ssl http2", "a.example", tls(aCert, aKey)+" keepalive_requests 1;") + `
			` + server(w.secure+" ssl http2", asciiName, tls(bCert, bKey)) + `
			` + server(w.mutual+" ssl", "a.example", tls(aCert, aKey)+" ssl_verify_client on; ssl_client_certificate "+w.ca.file+";") + `
		}`
	harness.StartServer(t, "127.0.0.1:"+w.plain, program, "-p", dir, "-c", write(t, dir, "nginx.conf", conf))
	return w
}

// What nginx answers is what it means, whatever the kind.
func TestNginx(t *testing.T) {
	w := startNginx(t)
	m := modules(t, `
modules:
  lone: {prober: http, http: {fail_if_body_not_matches_regexp: ["^lone$"]}}
  blank: {prober: http, http: {fail_if_body_not_matches_regexp: ['^/q\?a=b%20c$']}}
  stranger: {prober: http, http: {basic_auth: {username: me, password: secret}, http_headers: {X-Api-Key: {secrets: [secret]}}, tls_config: {ca_file: `+w.ca.file+`, server_name: a.example}, fail_if_body_not_matches_regexp: ['^\[\]$']}}
  known: {prober: http, http: {basic_auth: {username: me, password: secret}, http_headers: {X-Api-Key: {secrets: [secret]}}, fail_if_body_not_matches_regexp: ['Basic .*secret']}}
  h2: {prober: http, http: {valid_http_versions: [HTTP/2.0], tls_config: {ca_file: `+w.ca.file+`, server_name: a.example}, valid_status_codes: [200]}}
`)
	plain, secure := "http://127.0.0.1:"+w.plain, "https://127.0.0.1:"+w.secure
	for _, test := range []struct {
		module, target string
		want           health.Outcome
		says           string
	}{
		{"lone", plain + "/go/lone", health.Pass, ""},
		{"blank", plain + "/go/blank", health.Pass, ""},
		{"blank", plain + "/q?a=b c", health.Pass, ""},
		{"stranger", secure + "/go/port", health.Pass, ""},
		{"known", plain + "/whoami", health.Pass, ""},
		{"h2", secure + "/health", health.Pass, ""}, // which says GOAWAY after each request
		{"health", plain + "/packed", health.Fail, "packed"},
		{"health", plain + "/marked", health.Warn, "marked"},
		{"health", plain + "/big", health.Warn, "larger than 64 KiB"},
		{"health", plain + "/a//b", health.Pass, ""},
	} {
		res := probe(t, m[test.module], prober.Request{Target: test.target})
		if res.Outcome != test.want || !strings.Contains(res.Error, test.says) {
			t.Errorf("%s %s: %s: %s", test.module, test.target, res.Outcome, res.Error)
		}
	}
}

// Two names at one address and port are two servers, also to connections that are kept.
func TestNginxWithKeptConnections(t *testing.T) {
	w := startNginx(t)
	m := modules(t, `
modules:
  kept: {prober: health, health: {keep_alive: true, tls_config: {ca_file: `+w.ca.file+`}}}
`)["kept"]
	for range 3 {
		for name, want := range map[string]string{"a.example": "a.example", "Bücher.example": asciiName, "c.example": "tls", "": "tls"} {
			res := probe(t, m, prober.Request{Target: "https://127.0.0.1:" + w.secure, Hostname: name})
			got := string(res.Reason)
			if res.Report != nil {
				got = res.Report.ServiceID
			}
			if got != want {
				t.Errorf("%q: %s, want %s: %s", name, got, want, res.Error)
			}
		}
	}
}

// nginx wants a certificate only after the handshake, and says so in HTTP: a handshake
// alone is all right to it, and takes no longer for that.
func TestNginxThatWantsACertificate(t *testing.T) {
	w := startNginx(t)
	cert, key := w.ca.issue(t, "client.example")
	m := modules(t, `
modules:
  handshake: {prober: tcp, tcp: {tls: true, tls_config: {ca_file: `+w.ca.file+`, server_name: a.example}}}
  without: {prober: http, http: {tls_config: {ca_file: `+w.ca.file+`, server_name: a.example}}}
  with: {prober: http, http: {tls_config: {ca_file: `+w.ca.file+`, server_name: a.example, cert_file: `+cert+`, key_file: `+key+`}}}
`)
	if res := probe(t, m["handshake"], prober.Request{Target: "127.0.0.1:" + w.mutual}); res.Outcome != health.Pass || res.Duration.Seconds() > 0.9 {
		t.Errorf("%+v", res)
	}
	for module, code := range map[string]int{"without": 400, "with": 200} {
		if res := probe(t, m[module], prober.Request{Target: "https://127.0.0.1:" + w.mutual + "/health"}); res.StatusCode != code {
			t.Errorf("%s: %+v", module, res)
		}
	}
}
