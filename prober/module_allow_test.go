package prober

import (
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/config"
)

// TestAllowOfModules: whoever asks, and wherever a redirect leads.
func TestAllowOfModules(t *testing.T) {
	var seen []string
	other := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		seen = append(seen, "other "+r.Header.Get("Authorization"))
	})
	main := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, "main "+r.Header.Get("Authorization"))
		if r.URL.Path == "/go" {
			http.Redirect(w, r, other, http.StatusFound)
		}
	})
	allowed := strings.TrimPrefix(main, "http://")
	const basic = "basic_auth: {username: u, password: p}"
	for _, test := range []struct {
		kind, target string
		allow        []string
		policy       *NetworkPolicy
		want         Reason
		seen         string
	}{
		{"http", main, []string{allowed}, nil, "", "main Basic dTpw"},
		{"http", main, []string{allowed}, &NetworkPolicy{}, "", "main Basic dTpw"},
		{"health", main, []string{allowed}, nil, "", "main Basic dTpw"},
		{"http", main, []string{"127.0.0.0/8"}, nil, "", "main Basic dTpw"},
		{"http", main, []string{"10.0.0.0/8", "*.example"}, nil, ReasonPolicy, ""},
		{"health", main, []string{"10.0.0.0/8", "*.example"}, nil, ReasonPolicy, ""},
		{"http", other, []string{allowed}, nil, ReasonPolicy, ""},
		{"http", main + "/go", []string{allowed}, nil, ReasonPolicy, "main Basic dTpw"},
		{"http", main, []string{allowed}, rules(t, "10.0.0.0/8"), ReasonPolicy, ""},
		{"http", main, []string{allowed}, new(NetworkPolicy).ForOthers(), ReasonPolicy, ""},
		{"http", strings.Replace(main, "127.0.0.1", "localhost", 1), []string{"localhost"}, nil, "", "main Basic dTpw"},
		{"http", strings.Replace(main, "127.0.0.1", "localhost", 1), []string{"*.localhost"}, nil, ReasonPolicy, ""},
	} {
		seen = nil
		res := probeWithin(t, moduleFrom(t, test.kind, basic, test.allow...), 2*time.Second, Request{Target: test.target, Network: test.policy})
		if res.Reason != test.want && !(test.want == ReasonPolicy && res.Reason == ReasonRedirect) || strings.Join(seen, ",") != test.seen {
			t.Errorf("%s %s, allow %v: %q %s, seen %q", test.kind, test.target, test.allow, res.Reason, res.Error, seen)
		}
	}
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for allow, want := range map[string]Reason{"10.0.0.0/8": ReasonPolicy, "a.example": ReasonPolicy, "*:80": ReasonPolicy, "*": ReasonNone} {
		if res := probeWithin(t, moduleFrom(t, "unix", "{}", allow), time.Second, Request{Target: path}); res.Reason != want {
			t.Errorf("socket, allow %s: %q %s", allow, res.Reason, res.Error)
		}
	}
}

// TestAllowThroughProxies: the proxy is not asked for what the module does not allow.
func TestAllowThroughProxies(t *testing.T) {
	proxy := httpProxyTo(t, "")
	resolver := fakeDNS(t, map[string][][]string{"a.example": {{"10.0.0.1"}}, "b.example": {{"10.0.0.2"}}})
	for _, kind := range []string{"http", "health"} {
		for host, want := range map[string]bool{"a.example": true, "b.example": false, "unknown.example": false, "named.example": true} {
			for _, byName := range []bool{false, true} {
				if kind == "http" && host == "named.example" && !byName {
					continue // it looks names up itself
				}
				m := withResolver(moduleOf(t, kind, func(s spec) {
					switch p := s.(type) {
					case *httpProbe:
						p.Client.ProxyURL, p.SkipResolvePhaseWithProxy = config.URL{URL: proxy.url}, byName
					case *healthProbe:
						p.Client.ProxyURL = config.URL{URL: proxy.url}
					}
				}), resolver)
				m.allow = rules(t, "10.0.0.1", "named.example").Allow
				probeWithin(t, m, time.Second, Request{Target: "http://" + host + "/"})
				if asked := proxy.last(); (asked != "") != want {
					t.Errorf("%s: %s, by name %v: asked for %q", kind, host, byName, asked)
				}
			}
		}
	}
}

func TestCheckTarget(t *testing.T) {
	m := moduleFrom(t, "http", "{}", "a.example", "*.b.example:443", "10.0.0.0/8", "9.9.9.9:81")
	byName := moduleFrom(t, "http", "{}", "a.example", "*.b.example:443")
	for _, test := range []struct {
		place        string
		want, byName bool
	}{
		{"http://a.example/x?y#z", true, true},
		{"https://A.Example.:80", true, true},
		{"https://x.b.example/", true, true},
		{"http://x.b.example/", true, false},
		{"https://x.b.example:443", true, true},
		{"wss://x.b.example", true, true},
		{"ws://x.b.example", true, false},
		{"https://b.example", true, false},
		{"a.example", true, true},
		{"a.example:80", true, true},
		{"x.b.example", true, true},
		{"x.b.example:443", true, true},
		{"x.b.example:80", true, false}, // it may be in 10.0.0.0/8
		{"10.1.1.1", true, false},
		{"http://[::ffff:10.1.1.1]:80", true, false},
		{"[::ffff:10.1.1.1]:80", true, false},
		{"0x0a.1", true, false},
		{"11.1.1.1", false, false},
		{"http://11.1.1.1", false, false},
		{"0x0b.1", false, false},
		{"http://0x0b.1/", false, false},
		{"[::1]:80", false, false},
		{"::1", false, false},
		{"9.9.9.9:81", true, false},
		{"9.9.9.9:82", false, false},
		{"9.9.9.9", true, false},
		{"http://9.9.9.9", false, false},
		{"evil.example", true, false},
		{"http://a.example.evil.example", true, false},
		{"http://aa.example", true, false},
		{"http://a.example@evil.example/", true, false},
	} {
		target := &Target{Address: test.place}
		if strings.HasPrefix(test.place, "http") {
			target = &Target{URL: test.place}
		}
		if got := m.CheckTarget(target) == nil; got != test.want {
			t.Errorf("%s: %v", test.place, got)
		}
		if got := byName.CheckTarget(target) == nil; got != test.byName {
			t.Errorf("%s, names only: %v", test.place, got)
		}
	}
	socket := &Target{Address: "/run/x"}
	for allow, want := range map[string]bool{"*": true, "*:80": false, "10.0.0.0/8": false, "a.example": false} {
		if got := moduleFrom(t, "unix", "{}", allow).CheckTarget(socket) == nil; got != want {
			t.Errorf("socket, %s: %v", allow, got)
		}
	}
	var none *Module
	if none.CheckTarget(socket) != nil || moduleFrom(t, "http", "{}").CheckTarget(&Target{Address: "a"}) != nil || none.Credentials() != nil || none.Allow() != nil {
		t.Error("a module that allows everything does not")
	}
	const basic = "basic_auth: {username: u}"
	if !none.Entrusted() || !moduleFrom(t, "http", "{}").Entrusted() || moduleFrom(t, "http", basic).Entrusted() || !moduleFrom(t, "http", basic, "a.example").Entrusted() {
		t.Error("a module without credentials is for everybody, one with them for those that it allows")
	}
	if moduleFrom(t, "http", "{}", "a.example").Fingerprint() == moduleFrom(t, "http", "{}", "b.example").Fingerprint() {
		t.Error("modules that allow different hosts are alike")
	}
	if got := moduleFrom(t, "http", "{}", "a.example", "10.0.0.0/8").Allow(); !slices.Equal(got, rules(t, "a.example", "10.0.0.0/8").Allow) {
		t.Error(got)
	}
}
