package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/internal/testneed"
	"github.com/health-exporter/health_exporter/internal/testport"
)

// nginxSettings is a server that passes on what it is asked, in the ways that people
// write down.
const nginxSettings = `
daemon off; master_process off; pid %[1]s/nginx.pid; error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  server { listen %[2]s; location / { proxy_pass http://%[4]s; } }
  server { listen %[3]s; location / {
    proxy_pass http://%[4]s; proxy_http_version 1.1;
    proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";
  } }
}
`

// behindNginx is an exporter with two ways to it: one that sends a name of its own and
// no header, and one that says who asks, and by what name.
type behindNginx struct {
	*harness.Exporter
	bare, telling string
}

func startBehindNginx(t *testing.T, config string, args ...string) *behindNginx {
	t.Helper()
	program := testneed.Program(t, "nginx-light", "nginx")
	e := harness.StartExporter(t, config)
	if len(args) > 0 {
		e.Terminate(t)
		e.Args = append(e.Args, args...)
		e.Start(t)
	}
	b := &behindNginx{Exporter: e, bare: testport.Reserve(t), telling: testport.Reserve(t)}
	file := filepath.Join(t.TempDir(), "nginx.conf")
	text := fmt.Sprintf(nginxSettings, filepath.Dir(file), b.bare, b.telling, e.Address)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	proxy := harness.Start(t, "nginx", exec.Command(program, "-c", file, "-p", filepath.Dir(file)))
	proxy.AwaitReady(t, "http://"+b.bare+"/-/ready")
	return b
}

// ask sends a request by way of one of the proxies, from an address of loopback.
func (b *behindNginx) ask(t *testing.T, way, from, method, path, host string, header ...string) *http.Response {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	transport := &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}
	r, err := http.NewRequest(method, "http://"+way+path, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

const fileOfNginx = "targets: [{app: nas, url: 'http://127.0.0.1:1', interval: 5m, timeout: 2s}]\n"

// TestBehindNginxWithoutHeaders: the page's buttons work under the external URL over plain
// http, although the proxy sends a name of its own; other sites' requests do not.
func TestBehindNginxWithoutHeaders(t *testing.T) {
	b := startBehindNginx(t, fileOfNginx, "--web.external-url=http://mon.example.org")
	press := func(path string, header ...string) int {
		return b.ask(t, b.bare, "127.0.0.1", "POST", path, "mon.example.org", header...).StatusCode
	}
	if !strings.Contains(b.Log.String(), "access.local_trust") || !strings.Contains(b.Log.String(), "external_url=http://mon.example.org") {
		t.Error("the log does not warn of a proxy on this host")
	}
	for origin, want := range map[string]int{
		"http://mon.example.org": 303, "http://evil.example": 403, "https://mon.example.org": 403, "null": 403, "http://mon.example.org:81": 403,
	} {
		if got := press("/targets/nas/pause", "Origin", origin); got != want {
			t.Errorf("a button pressed on a page of %s: %d, want %d", origin, got, want)
		}
	}
	login := b.ask(t, b.bare, "127.0.0.1", "GET", "/login", "mon.example.org")
	if login.StatusCode != http.StatusSeeOther || login.Header.Get("Location") != "./" {
		t.Errorf("login: %d to %q", login.StatusCode, login.Header.Get("Location"))
	}
}

// TestBehindNginxWithoutTrust: where this host is not trusted, a login makes the buttons
// work.
func TestBehindNginxWithoutTrust(t *testing.T) {
	token := filepath.Join(t.TempDir(), "admin.token")
	if err := os.WriteFile(token, []byte(strings.Repeat("s", 20)), 0o600); err != nil {
		t.Fatal(err)
	}
	b := startBehindNginx(t, fileOfNginx+"access: {local_trust: false}\nregistration: {tokens: [{name: admin, token_file: "+token+", rights: [read, write, admin, debug]}]}\n",
		"--web.external-url=http://mon.example.org")
	ask := func(method, path string, header ...string) int {
		return b.ask(t, b.bare, "127.0.0.1", method, path, "mon.example.org", header...).StatusCode
	}
	if strings.Contains(b.Log.String(), "a proxy on this host") {
		t.Error("the log warns of what is switched off")
	}
	login := b.ask(t, b.bare, "127.0.0.1", "GET", "/login", "mon.example.org")
	if login.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(login.Header.Get("WWW-Authenticate"), "Basic") {
		t.Errorf("login without a token: %d, %v", login.StatusCode, login.Header)
	}
	r, _ := http.NewRequest(http.MethodGet, "/", nil)
	r.SetBasicAuth("me", strings.Repeat("s", 20))
	basic := r.Header.Get("Authorization")
	for _, test := range []struct {
		method, path string
		header       []string
		want         int
	}{
		{"GET", "/", nil, 200},
		{"GET", "/config", nil, 401},
		{"POST", "/targets/nas/pause", []string{"Origin", "http://mon.example.org"}, 401},
		{"GET", "/login", []string{"Authorization", basic}, 303},
		{"GET", "/config", []string{"Authorization", basic}, 200},
		{"POST", "/targets/nas/pause", []string{"Authorization", basic, "Origin", "http://mon.example.org"}, 303},
		{"POST", "/targets/nas/pause", []string{"Authorization", basic, "Origin", "http://evil.example"}, 403},
	} {
		if got := ask(test.method, test.path, test.header...); got != test.want {
			t.Errorf("%s %s with %q: %d, want %d", test.method, test.path, test.header, got, test.want)
		}
	}
}

// TestBehindNginxThatTells who asks: without access.proxies nobody is trusted through it,
// with it each is worth what his own place is.
func TestBehindNginxThatTells(t *testing.T) {
	const hosts = "hosts: [mon.example.org]"
	for _, test := range []struct {
		name, config      string
		host              string
		header            []string
		page, debug, push int
	}{
		{"unknown proxy", "access: {" + hosts + "}", "mon.example.org", nil, 200, 401, 401},
		{"known proxy", "access: {" + hosts + ", proxies: [127.0.0.1]}", "mon.example.org", nil, 200, 200, 303},
		{"known proxy, foreign name", "access: {" + hosts + ", proxies: [127.0.0.1]}", "evil.example", nil, 421, 421, 421},
		{"known proxy, for one who lies", "access: {" + hosts + ", proxies: [127.0.0.1]}", "mon.example.org", []string{"X-Forwarded-For", "192.0.2.7"}, 200, 200, 303},
		{"known proxy, for one with a header of his own", "access: {" + hosts + ", proxies: [127.0.0.1]}", "mon.example.org", []string{"Forwarded", "for=10.0.0.1"}, 200, 401, 401},
		{"known proxy, an upgrade", "access: {" + hosts + ", proxies: [127.0.0.1]}", "evil.example", []string{"Upgrade", "websocket", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}, 421, 421, 421},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := startBehindNginx(t, fileOfNginx+test.config+"\n")
			for _, each := range []struct {
				method, path string
				want         int
			}{{"GET", "/", test.page}, {"GET", "/config", test.debug}, {"POST", "/targets/nas/pause", test.push}, {"GET", "/metrics", 200}, {"GET", "/livez", 200}} {
				if got := b.ask(t, b.telling, "127.0.0.5", each.method, each.path, test.host, test.header...).StatusCode; got != each.want {
					t.Errorf("%s %s: %d, want %d", each.method, each.path, got, each.want)
				}
			}
		})
	}
}
