package server

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/prober"
)

// TestProbeShowsNoLogin: whatever stands before an @ in a target, however malformed, is in no
// answer, log or page.
func TestProbeShowsNoLogin(t *testing.T) {
	f := newFixture(t)
	for _, kind := range []prober.Kind{"http", "health", "tcp", "websocket", "grpc", "icmp", "dns"} {
		m, err := prober.NewModule(prober.ModuleSource{Kind: kind, Text: []byte(kind)})
		if err != nil {
			t.Fatal(err)
		}
		f.settings.Modules["m-"+string(kind)] = m
		for _, target := range []string{
			"http:///u:secretpw@10.1.1.1/", "http:/u:secretpw@10.1.1.1/", "http:u:secretpw@127.0.0.1", "http:///u:secretpw%4010.1.1.1/", "ws:///u:secretpw@127.0.0.1", `http:\\u:secretpw@127.0.0.1`,
			"http://?u:secretpw@127.0.0.1", "http://u:secretpw@127.0.0.1:1/", "secretpw@localhost", "u:secretpw@localhost", "u:secretpw@127.0.0.1:1", "http://[u:secretpw@127.0.0.1:1", "//u:secretpw@127.0.0.1:1", "http://u:secret pw@127.0.0.1:x/",
		} {
			query := "module=m-" + string(kind) + "&target=" + url.QueryEscape(target)
			for _, path := range []string{"/probe?debug=true&" + query, "/probe?" + query, "/logs?" + query, "/", "/?format=json"} {
				w := f.do(http.MethodGet, path, "")
				if body := w.Body.String(); strings.Contains(body, "secretpw") || strings.Contains(body, "secret pw") {
					t.Errorf("%s %s: %s shows it: %.1500s", kind, target, strings.SplitN(path, "&", 2)[0], body)
				}
			}
		}
	}
}
