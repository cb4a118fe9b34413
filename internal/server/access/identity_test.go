package access

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// TestPlace is what the address and the headers of proxies make of it. The proxies of the
// test are this host and 10.9.0.0/16.
func TestPlace(t *testing.T) {
	rules := &Rules{
		Networks: prefixes("127.0.0.0/8", "::1/128", "10.0.0.0/8", "fe80::/10", "2001:db8:1::/48"),
		Proxies:  prefixes("127.0.0.1/32", "10.9.0.0/16", "2001:db8:9::/64"),
	}
	const far = "192.0.2.7"
	for _, test := range []struct {
		name, peer string
		header     []string
		client     string // empty: unknown
		place      Place
	}{
		{"direct", "10.1.1.1:5", nil, "10.1.1.1", Network},
		{"direct, mapped", "[::ffff:10.1.1.1]:5", nil, "10.1.1.1", Network},
		{"direct, with a zone", "[fe80::7%eth0]:5", nil, "fe80::7", Network},
		{"this host", "127.9.9.9:5", nil, "127.9.9.9", OwnHost},
		{"this host over IPv6", "[::1]:5", nil, "::1", OwnHost},
		{"this host, mapped", "[::ffff:127.0.0.1]:5", nil, "127.0.0.1", OwnHost},
		{"far", far + ":5", nil, far, Elsewhere},
		{"a socket", "@", nil, "", Elsewhere},
		{"nothing", "", nil, "", Elsewhere},

		{"a proxy", "10.9.0.1:5", []string{"X-Forwarded-For", "10.1.1.1"}, "10.1.1.1", Network},
		{"a proxy over IPv6", "[2001:db8:9::1]:5", []string{"X-Forwarded-For", "2001:db8:1::7"}, "2001:db8:1::7", Network},
		{"a proxy, for one who lies", "10.9.0.1:5", []string{"X-Forwarded-For", "10.1.1.1, " + far}, far, Elsewhere},
		{"two proxies", "10.9.0.1:5", []string{"X-Forwarded-For", far + ",10.1.1.1,10.9.0.2"}, "10.1.1.1", Network},
		{"lines", "10.9.0.1:5", []string{"X-Forwarded-For", "10.1.1.1", "X-Forwarded-For", far}, far, Elsewhere},
		{"lines of proxies", "10.9.0.1:5", []string{"X-Forwarded-For", "10.1.1.1", "X-Forwarded-For", "10.9.0.2"}, "10.1.1.1", Network},
		{"ports", "10.9.0.1:5", []string{"X-Forwarded-For", "10.1.1.1:4711"}, "10.1.1.1", Network},
		{"brackets", "10.9.0.1:5", []string{"X-Forwarded-For", "[2001:db8:1::7]:80"}, "2001:db8:1::7", Network},
		{"mapped", "10.9.0.1:5", []string{"X-Forwarded-For", "::ffff:10.1.1.1"}, "10.1.1.1", Network},
		{"all are proxies", "10.9.0.1:5", []string{"X-Forwarded-For", "10.9.0.3, 10.9.0.2"}, "10.9.0.3", Network},
		{"no address", "10.9.0.1:5", []string{"X-Forwarded-For", "unknown"}, "", Elsewhere},
		{"no address at last", "10.9.0.1:5", []string{"X-Forwarded-For", "10.1.1.1, _hidden"}, "", Elsewhere},
		{"no address behind a proxy", "10.9.0.1:5", []string{"X-Forwarded-For", "10.1.1.1, x, 10.9.0.2"}, "", Elsewhere},
		{"empty", "10.9.0.1:5", []string{"X-Forwarded-For", ""}, "", Elsewhere},
		{"only commas", "10.9.0.1:5", []string{"X-Forwarded-For", ", ,"}, "", Elsewhere},
		{"a name", "10.9.0.1:5", []string{"X-Forwarded-For", "localhost"}, "", Elsewhere},

		{"Forwarded", "10.9.0.1:5", []string{"Forwarded", "for=10.1.1.1;proto=http;by=1.2.3.4"}, "10.1.1.1", Network},
		{"Forwarded in capitals", "10.9.0.1:5", []string{"Forwarded", `By=x; FOR="[2001:db8:1::7]:80"`}, "2001:db8:1::7", Network},
		{"Forwarded, for one who lies", "10.9.0.1:5", []string{"Forwarded", "for=10.1.1.1, for=" + far}, far, Elsewhere},
		{"Forwarded in lines", "10.9.0.1:5", []string{"Forwarded", "for=" + far, "Forwarded", "for=10.1.1.1"}, "10.1.1.1", Network},
		{"Forwarded, unknown", "10.9.0.1:5", []string{"Forwarded", "for=unknown"}, "", Elsewhere},
		{"Forwarded, hidden", "10.9.0.1:5", []string{"Forwarded", `for="_gazonk"`}, "", Elsewhere},
		{"Forwarded without for", "10.9.0.1:5", []string{"Forwarded", "for=10.1.1.1, proto=https"}, "", Elsewhere},
		{"Forwarded twice for", "10.9.0.1:5", []string{"Forwarded", "for=" + far + ";for=10.1.1.1"}, "", Elsewhere},
		{"an open quote", "10.9.0.1:5", []string{"Forwarded", `for="10.1.1.1, for=` + far}, "", Elsewhere},
		{"an open quote in the client's line", "10.9.0.1:5", []string{"Forwarded", `for=10.1.1.1;x="`, "Forwarded", "for=" + far + `;by="_y"`}, far, Elsewhere},
		{"an open quote in a line of a proxy's", "10.9.0.1:5", []string{"Forwarded", `for=10.1.1.1`, "Forwarded", `for="10.9.0.2`}, "", Elsewhere},
		{"an escaped quote", "10.9.0.1:5", []string{"Forwarded", `for="10.1.1.1\""`}, "", Elsewhere},
		{"half a quote", "10.9.0.1:5", []string{"Forwarded", `for=10.1."1.1"`}, "", Elsewhere},

		{"both, the same", "10.9.0.1:5", []string{"Forwarded", "for=10.1.1.1", "X-Forwarded-For", "10.1.1.1"}, "10.1.1.1", Network},
		{"both, different", "10.9.0.1:5", []string{"Forwarded", "for=10.1.1.1", "X-Forwarded-For", far}, "", Elsewhere},
		{"both, different the other way", "10.9.0.1:5", []string{"Forwarded", "for=" + far, "X-Forwarded-For", "10.1.1.1"}, "", Elsewhere},
		{"both, one unknown", "10.9.0.1:5", []string{"Forwarded", "for=unknown", "X-Forwarded-For", "10.1.1.1"}, "", Elsewhere},
		{"neither, but X-Real-IP", "10.9.0.1:5", []string{"X-Real-IP", "10.1.1.1"}, "", Elsewhere},
		{"neither, but Via", "10.9.0.1:5", []string{"Via", "1.1 squid"}, "", Elsewhere},

		{"a proxy here, for the LAN", "127.0.0.1:5", []string{"X-Forwarded-For", "10.1.1.1"}, "10.1.1.1", Network},
		{"a proxy here, for this host", "127.0.0.1:5", []string{"X-Forwarded-For", "127.0.0.1"}, "127.0.0.1", OwnHost},
		{"a proxy here, for one who lies", "127.0.0.1:5", []string{"X-Forwarded-For", "127.0.0.1, " + far}, far, Elsewhere},
		{"a proxy here, for one there, for itself", "127.0.0.1:5", []string{"X-Forwarded-For", "127.0.0.1, 10.9.0.2"}, "127.0.0.1", Elsewhere},
		{"a proxy there, for itself", "10.9.0.1:5", []string{"X-Forwarded-For", "127.0.0.1"}, "127.0.0.1", Elsewhere},
		{"a proxy there, for itself over IPv6", "10.9.0.1:5", []string{"X-Forwarded-For", "::1"}, "::1", Elsewhere},

		{"a stranger who says so", "10.1.1.1:5", []string{"X-Forwarded-For", "10.1.1.1"}, "", Elsewhere},
		{"a stranger here", "127.0.0.2:5", []string{"Forwarded", "for=127.0.0.1"}, "", Elsewhere},
		{"a stranger who says nothing", "127.0.0.2:5", []string{"X-Forwarded-For", ""}, "", Elsewhere},
		{"a stranger with X-Forwarded-Host", "10.1.1.1:5", []string{"X-Forwarded-Host", "localhost"}, "", Elsewhere},
		{"a stranger with X-Forwarded-Proto", "10.1.1.1:5", []string{"x-forwarded-proto", "https"}, "", Elsewhere},
		{"a stranger with Via", "10.1.1.1:5", []string{"Via", "2 vegur"}, "", Elsewhere},
		{"a stranger with True-Client-IP", "10.1.1.1:5", []string{"True-Client-IP", "127.0.0.1"}, "", Elsewhere},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Host, r.RemoteAddr = "localhost:10115", test.peer
			for i := 0; i < len(test.header); i += 2 {
				r.Header.Add(test.header[i], test.header[i+1])
			}
			id := NewGate(nil).Identify(rules, r)
			client := ""
			if id.Client.IsValid() {
				client = id.Client.String()
			}
			if client != test.client || id.Place != test.place {
				t.Errorf("client %q at place %d, want %q at %d", client, id.Place, test.client, test.place)
			}
			r.Host = "evil.example"
			if id := NewGate(nil).Identify(rules, r); id.Place != Elsewhere || id.RefuseName() == nil {
				t.Errorf("under a name that may be a stranger's: place %d, %v", id.Place, id.RefuseName())
			}
			strict := *rules
			strict.NoLocalTrust = true
			r.Host = "localhost"
			if id := NewGate(nil).Identify(&strict, r); id.Place == OwnHost || test.place == Network && id.Place != Network || test.place != Network && id.Place != Elsewhere {
				t.Errorf("without trust in this host: place %d", id.Place)
			}
		})
	}
}

// TestWithoutTrustInThisHost it is no better than any other, though it be in a network
// that is trusted.
func TestWithoutTrustInThisHost(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = "localhost"
	rules := &Rules{Networks: prefixes("0.0.0.0/0", "::/0"), NoLocalTrust: true}
	for _, addr := range append(ownAddresses(), netip.MustParseAddr("127.0.0.1")) {
		r.RemoteAddr = netip.AddrPortFrom(addr, 5).String()
		id := NewGate(nil).Identify(rules, r)
		if id.Place != Elsewhere || id.May(Write) || id.May(Debug) || id.From() == "own host" {
			t.Errorf("%s: place %d, from %q", addr, id.Place, id.From())
		}
		if refusal := id.Refuse(Write); refusal == nil || !strings.Contains(refusal.Detail, "access.local_trust") {
			t.Errorf("%s: %+v", addr, refusal)
		}
	}
}

func TestSecret(t *testing.T) {
	for header, want := range map[string]string{
		"Bearer abc": "bearer abc", "bearer abc": "bearer abc", "BEARER   abc  ": "bearer abc", "Bearer": "bearer ", "Bearer ": "bearer ",
		"Basic eDpzZWNyZXQ=": "secret", "basic eDpzZWNyZXQ=": "secret", "Basic eDo=": "", "Bearerabc": "", "Token abc": "", "": "", "Basic !": "",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", header)
		got, bearer := Secret(r)
		if bearer {
			got = "bearer " + got
		}
		if got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}

// TestOwnership is told by the token, or else by the address.
func TestOwnership(t *testing.T) {
	rules := &Rules{
		Networks: prefixes("127.0.0.0/8", "10.1.0.0/16", "10.2.0.0/16"),
		Holder:   func(secret string) (string, bool) { return secret, secret == "nas" },
	}
	for _, test := range []struct {
		peer, token, owner, from string
		registered, resembles    bool
	}{
		{"10.1.0.1", "", "anonymous", "10.1.0.1", true, true},
		{"10.1.0.1", "", "anonymous", "10.1.0.2", false, true},
		{"10.1.0.1", "", "anonymous", "10.2.0.1", false, false},
		{"10.1.0.1", "", "anonymous", "192.0.2.7", false, false},
		{"10.1.0.1", "", "anonymous", "own host", false, false},
		{"10.1.0.1", "", "anonymous", "elsewhere", false, true},
		{"10.1.0.1", "", "anonymous", "", false, false},
		{"10.1.0.1", "", "token:nas", "10.1.0.1", false, false},
		{"10.1.0.1", "nas", "token:nas", "10.2.0.9", true, true},
		{"192.0.2.7", "nas", "token:nas", "own host", true, true},
		{"10.1.0.1", "nas", "anonymous", "10.1.0.1", false, false},
		{"10.1.0.1", "wrong", "anonymous", "10.1.0.1", true, true}, // the guard has refused it
		{"192.0.2.7", "", "anonymous", "192.0.2.7", false, false},
		{"127.0.0.1", "", "anonymous", "own host", true, true},
		{"127.0.0.1", "", "anonymous", "10.1.0.1", false, false}, // it has the right admin, which is another matter
		{"", "", "anonymous", "elsewhere", false, false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host, r.RemoteAddr = "localhost", test.peer+":5"
		if test.token != "" {
			r.Header.Set("Authorization", "Bearer "+test.token)
		}
		id := NewGate(nil).Identify(rules, r)
		if got := id.Registered(test.owner, test.from); got != test.registered {
			t.Errorf("%+v: registered it: %v", test, got)
		}
		if got := id.Resembles(test.owner, test.from); got != test.resembles {
			t.Errorf("%+v: resembles who did: %v", test, got)
		}
	}
}

// TestPlaceWithoutNetworks: where no network is trusted, this host is not either, but for
// looking inside; and under a name that may be a stranger's, nobody is.
func TestPlaceWithoutNetworks(t *testing.T) {
	for _, test := range []struct {
		networks             []netip.Prefix
		host, peer           string
		write, debug, detail bool
	}{
		{nil, "localhost", "127.0.0.1:5", false, true, false},
		{nil, "evil.example", "127.0.0.1:5", false, false, false},
		{prefixes("127.0.0.0/8"), "localhost", "127.0.0.1:5", true, true, true},
		{prefixes("127.0.0.0/8"), "evil.example", "127.0.0.1:5", false, false, false},
		{prefixes("10.0.0.0/8"), "localhost", "127.0.0.1:5", false, true, false},
		{prefixes("10.0.0.0/8"), "localhost", "10.0.0.1:5", true, false, true},
		{prefixes("10.0.0.0/8"), "evil.example", "10.0.0.1:5", false, false, false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host, r.RemoteAddr = test.host, test.peer
		id := NewGate(nil).Identify(&Rules{Networks: test.networks}, r)
		if id.May(Write) != test.write || id.May(Debug) != test.debug || id.SeesDetails() != test.detail {
			t.Errorf("%+v: write %v, debug %v, details %v", test, id.May(Write), id.May(Debug), id.SeesDetails())
		}
	}
}

// TestPasswordsOfUsers count only where there are users whom somebody has checked.
func TestPasswordsOfUsers(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = "evil.example"
	r.SetBasicAuth("me", "password")
	for name, want := range map[string]bool{"none": false, "no users": false, "users": true} {
		users := map[string]func() bool{"no users": func() bool { return false }, "users": func() bool { return true }}[name]
		if id := NewGate(users).Identify(&Rules{}, r); id.Authenticated() != want || (id.RefuseName() == nil) != want {
			t.Errorf("%s: %v", name, id.Authenticated())
		}
	}
	r.Header.Del("Authorization")
	if NewGate(func() bool { return true }).Identify(&Rules{}, r).Authenticated() {
		t.Error("nobody is taken for a user")
	}
}

func BenchmarkIdentify(b *testing.B) {
	rules := &Rules{Networks: prefixes("10.0.0.0/8"), Hosts: []string{"*.example.org"}}
	for name, host := range map[string]string{"address": "192.0.2.9:10115", "name": "health.example.org:10115", "stranger": "evil.example"} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Host, r.RemoteAddr = host, "10.1.1.1:5"
			gate := NewGate(nil)
			b.ReportAllocs()
			for b.Loop() {
				gate.Identify(rules, r)
			}
		})
	}
}
