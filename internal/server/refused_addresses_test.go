package server

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// TestProbesFromOutside of the private networks do not come to this host's loopback.
func TestProbesFromOutside(t *testing.T) {
	f := newFixture(t)
	here := httptest.NewServer(http.NotFoundHandler())
	defer here.Close()
	f.settings.Access.Networks = append(f.settings.Access.Networks, netip.MustParsePrefix("198.51.100.0/24"))
	for _, test := range []struct {
		from, host string
		header     []string
		want       bool
	}{
		{"127.0.0.1:1", "exporter:10115", nil, true},
		{"[::1]:1", "localhost:10115", nil, true},
		{"10.1.2.3:1", "exporter:10115", nil, true},
		{"192.168.1.1:1", "10.0.0.1", nil, true},
		{"[fd00::1]:1", "exporter.local", nil, true},
		{"203.0.113.9:1", "exporter:10115", nil, false},
		{"203.0.113.9:1", "exporter:10115", []string{"Authorization", "Bearer secret-admin"}, false},
		{"198.51.100.9:1", "exporter:10115", nil, false}, // it may register, and no more
		{"[2001:db8::1]:1", "exporter:10115", nil, false},
		{"127.0.0.1:1", "evil.example", nil, false},
		{"10.1.2.3:1", "evil.example", nil, false},
		{"127.0.0.1:1", "exporter:10115", []string{"X-Forwarded-For", "203.0.113.9"}, false},
	} {
		f.from, f.host = test.from, test.host
		w := f.do("GET", "/probe?module=tcp_connect&target="+here.Listener.Addr().String(), "", test.header...)
		if got := strings.Contains(w.Body.String(), "\nprobe_success 1\n"); got != test.want || w.Code != http.StatusOK {
			t.Errorf("%s as %s: %v: %d %s", test.from, test.host, got, w.Code, w.Body)
		}
	}
}

func TestRefusedAddresses(t *testing.T) {
	f := newFixture(t)
	for _, host := range []string{
		"169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "[::ffff:169.254.169.254]",
		"[fe80::1]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::1]", "0.0.0.0", "[::]", "224.0.0.1", "100.100.100.200",
	} {
		got := f.expect(http.StatusBadRequest, f.do("POST", "/api/v1/targets", `{"app": "a", "url": "http://`+host+`/"}`))
		if !strings.Contains(toText(got), `"field":"url"`) {
			t.Errorf("%s: %v", host, got)
		}
		got = f.expect(http.StatusBadRequest, f.do("POST", "/api/v1/targets", `{"app": "a", "module": "tcp_connect", "address": "`+host+`:80"}`))
		if !strings.Contains(toText(got), `"field":"address"`) {
			t.Errorf("address %s: %v", host, got)
		}
	}
}
