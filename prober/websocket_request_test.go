package prober

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/health"
)

// TestWebsocketRequest: what the server sees of us.
func TestWebsocketRequest(t *testing.T) {
	seen := make(chan *http.Request, 1)
	target := wsURL(serve(t, accepting(func(_ *websocket.Conn, r *http.Request) { seen <- r })))
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const basic = "Basic bWU6ZnJvbSBhIGZpbGU=" // me:from a file
	for _, test := range []struct {
		name, target string
		options      func(p *websocketProbe)
		want         http.Header // nil for a header that must not be there
		host, uri    string
	}{
		{name: "as it is", target: target, uri: "/", host: target[5:], want: http.Header{
			"Authorization": nil, "Sec-Websocket-Version": {"13"},
			"Sec-Websocket-Protocol": nil, "Sec-Websocket-Extensions": nil, "Origin": nil,
		}},
		{name: "path and query", target: target + "/a%20b?c=d#e", uri: "/a%20b?c=d", host: target[5:]},
		{name: "basic_auth", target: target, options: func(p *websocketProbe) {
			p.Client.BasicAuth = &config.BasicAuth{Username: "me", PasswordFile: secret}
		}, want: http.Header{"Authorization": {basic}}},
		{name: "password in the target", target: "ws://me:from%20a%20file@" + target[5:], want: http.Header{"Authorization": {basic}}, host: target[5:]},
		{name: "bearer_token", target: target, options: func(p *websocketProbe) { p.Client.BearerToken = "x" }, want: http.Header{"Authorization": {"Bearer x"}}},
		{name: "authorization", target: target, options: func(p *websocketProbe) {
			p.Client.Authorization = &config.Authorization{Type: "Key", CredentialsFile: secret}
		}, want: http.Header{"Authorization": {"Key from a file"}}},
		{name: "headers", target: target, options: func(p *websocketProbe) {
			p.Headers.Headers = map[string]config.Header{
				"host":                   {Values: []string{"shop.test"}},
				"User-Agent":             {Values: []string{"me"}},
				"x-all":                  {Values: []string{"a", "b"}, Secrets: []config.Secret{"c"}, Files: []string{secret}},
				"Authorization":          {Values: []string{"own"}},
				"Origin":                 {Values: []string{"http://shop.test"}},
				"Sec-WebSocket-Protocol": {Values: []string{"talk, chat"}},
				"Upgrade":                {Values: []string{"nothing"}},
			}
		}, host: "shop.test", want: http.Header{
			"User-Agent": {"me"}, "X-All": {"a", "b", "c", "from a file"}, "Authorization": {"own"},
			"Origin": {"http://shop.test"}, "Sec-Websocket-Protocol": {"talk,chat"}, "Upgrade": {"websocket"}, "Connection": {"Upgrade"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			res := probeWithin(t, websocketModule(t, test.options), 5*time.Second, Request{Target: test.target})
			if res.Outcome != health.Pass {
				t.Fatalf("got %q", outcome(res))
			}
			r := <-seen
			for name, want := range test.want {
				if diff := cmp.Diff(want, r.Header[name]); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
			if test.want["User-Agent"] == nil && !strings.HasPrefix(r.UserAgent(), "health_exporter/") {
				t.Errorf("user agent %q", r.UserAgent())
			}
			if test.host != "" && r.Host != test.host || test.uri != "" && r.RequestURI != test.uri {
				t.Errorf("host %q, uri %q", r.Host, r.RequestURI)
			}
		})
	}
}

func TestWebsocketSourceAddress(t *testing.T) {
	from := make(chan string, 1)
	target := wsURL(serve(t, accepting(func(_ *websocket.Conn, r *http.Request) { from <- r.RemoteAddr })))
	m := websocketModule(t, func(p *websocketProbe) { p.SourceIPAddress = "127.0.0.2" })
	if res := probeWithin(t, m, 5*time.Second, Request{Target: target}); res.Outcome != health.Pass {
		t.Fatal(outcome(res))
	}
	if got := <-from; !strings.HasPrefix(got, "127.0.0.2:") {
		t.Errorf("came from %s", got)
	}
}

func TestWebsocketFaults(t *testing.T) {
	_, err := NewModule(ModuleSource{Kind: "websocket", Decode: func(into any) error {
		p := into.(*websocketProbe)
		p.Resolver = "nowhere"
		p.Client.BasicAuth, p.Client.BearerToken = &config.BasicAuth{Username: "me"}, "x"
		p.Client.OAuth2 = &config.OAuth2{}
		p.Client.TLSConfig.CertFile = "cert.pem"
		p.Headers.Headers = map[string]config.Header{"a b": {}, "X-Note": {Values: []string{"a\nb"}}, "Authorization": {Values: []string{"fine"}}}
		p.QueryResponse = []QueryResponse{{}, {Expect: re("a"), ExpectBytes: "b"}}
		return nil
	}})
	if err == nil {
		t.Fatal("was accepted")
	}
	for _, want := range []string{
		"resolver: ", "http_config.", "http_config.tls_config: ", "headers.a b: is not a valid header name", "headers.X-Note: has a value", "query_response[1].expect_bytes: ",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %q", want, err)
		}
	}
	if strings.Contains(err.Error(), "headers.Authorization") || strings.Contains(err.Error(), "http_config.oauth2") {
		t.Errorf("refuses what does no harm: %s", err)
	}
}
