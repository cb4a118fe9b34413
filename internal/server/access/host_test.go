package access

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHostname(t *testing.T) {
	for header, want := range map[string]string{
		"localhost": "localhost", "LocalHost:10115": "localhost", "localhost.": "localhost", "localhost.:1": "localhost", "localhost:": "localhost",
		"127.0.0.1:80": "127.0.0.1", "127.0.0.1.": "127.0.0.1", "[::1]": "::1", "[::1]:80": "::1", "::1": "::1", "[::ffff:10.0.0.1]:80": "10.0.0.1",
		"[fe80::1%25eth0]:80": "fe80::1%eth0", "[fe80::1%eth0]": "fe80::1%eth0", "a_b.example.org": "a_b.example.org", "xn--bcher-kva.example": "xn--bcher-kva.example",
		"": "", ".": "", "..": "", ":80": "", "a..b": "", ".local": "", "localhost..": "", "a@localhost": "", "a:b@localhost": "", "localhost@evil.example": "",
		"localhost:80:80": "", "localhost:x": "", "localhost:123456": "", "localhost:-1": "", "[::1": "", "[::1]x": "", "[::1]:x": "", "[127.0.0.1]": "", "[localhost]": "", "[]": "",
		"local host": "", "localhost/x": "", "localhost\x00": "", "localhost\t": "", "localhost,evil": "", "bücher.example": "", "ｌocalhost": "",
		strings.Repeat("a", 64): "", strings.Repeat("a.", 130) + "local": "", "http://localhost": "", "*": "", "*.local": "", "%6cocalhost": "",
	} {
		if got := hostname(header); got != want {
			t.Errorf("%q is %q, want %q", header, got, want)
		}
	}
}

func TestUnownable(t *testing.T) {
	for _, host := range []string{
		"127.0.0.1", "192.0.2.1", "8.8.8.8", "::1", "2001:db8::1", "fe80::1%eth0", "localhost", "nas", "2130706433",
		"nas.local", "a.b.internal", "nas.lan", "nas.home.arpa", "nas.localdomain", "x.localhost", "exporter.monitoring.svc", "exporter.monitoring.svc.cluster.local",
	} {
		if !unownable(host) {
			t.Errorf("a stranger can own %q", host)
		}
	}
	for _, host := range []string{
		"", "evil.example", "nas.local.evil.example", "local.evil.example", "evillocal.example", "lan.com", "arpa.", "example.arpa", "nothome.arpa", "x.nothome.arpa",
		"localhost.localdomain.org", "127.0.0.1.nip.io", "0x7f.1", "127.1", "cluster.localx.org",
	} {
		if unownable(host) {
			t.Errorf("no stranger can own %q", host)
		}
	}
}

func TestListed(t *testing.T) {
	rules := &Rules{
		Hosts: []string{"health.example.org", "*.wild.example"},
		URLs:  []string{"https://Mon.Example.org:8443/health", "http://10.0.0.1", "://bad", "/path"},
	}
	for host, want := range map[string]bool{
		"health.example.org": true, "mon.example.org": true, "a.wild.example": true, "a.b.wild.example": true, "10.0.0.1": true,
		"wild.example": false, "xwild.example": false, "a.health.example.org": false, "example.org": false, "health.example.org.evil.example": false,
	} {
		if rules.lists(host) != want {
			t.Errorf("%s is listed: %v, want %v", host, !want, want)
		}
	}
}

func TestOrigins(t *testing.T) {
	rules := &Rules{URLs: []string{
		"https://Mon.Example.org:443/health/", "http://mon.example.org:80", "http://mon.example.org:443", "HTTP://[2001:DB8::1]:8080/x", "/nowhere", "",
	}}
	want := "https://mon.example.org http://mon.example.org http://mon.example.org:443 http://[2001:db8::1]:8080"
	if got := strings.Join(rules.Origins(), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestOwnNames takes from the hosts file only what belongs to this host's own name.
func TestOwnNames(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	name = strings.ToLower(name)
	short, _, _ := strings.Cut(name, ".")
	file := filepath.Join(t.TempDir(), "hosts")
	text := "127.0.0.1 localhost ads.evil.example " + short + ".evil.example\n" +
		"127.0.1.1 " + short + ".example.org " + strings.ToUpper(name) + " other.example.net # " + short + ".comment.example\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m := &machine{hostsFile: file}
	for host, want := range map[string]bool{
		name: true, short + ".example.org": true,
		"ads.evil.example": false, short + ".evil.example": false, "other.example.net": false, short + ".comment.example": false,
	} {
		if m.named(host) != want {
			t.Errorf("%s is ours: %v, want %v", host, !want, want)
		}
	}
	if got := ownNames(filepath.Join(t.TempDir(), "none")); len(got) != 1 || got[0] != name {
		t.Errorf("without a hosts file: %v", got)
	}
}

// FuzzAddress: what is seen not to be an address is none.
func FuzzAddress(f *testing.F) {
	for _, host := range []string{"", "a", "a1", "127.0.0.1", "127.0.0.1:80", "::", "::1%a", "fe80::1%a:b", "::ffff:1.2.3.4", "1.2.3.4%1", ":1"} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		want, err := netip.ParseAddr(host)
		if got, ok := address(host); got != want || ok != (err == nil) {
			t.Errorf("%q is %v (%v), want %v (%v)", host, got, ok, want, err)
		}
	})
}

func FuzzHostname(f *testing.F) {
	for _, header := range []string{"localhost", "[::1]:80", "a@b", "x.local.", "127.0.0.1:80"} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		host := hostname(header)
		if host == "" {
			return
		}
		if again := hostname(strings.Replace(host, "%", "%25", 1)); again != host {
			t.Errorf("%q is %q, which is %q", header, host, again)
		}
		if !unownable(host) {
			return
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = header
		if id := NewGate(nil).Identify(&Rules{}, r); !id.OurName {
			t.Errorf("%q is %q, and not ours", header, host)
		}
	})
}
