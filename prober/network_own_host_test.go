package prober

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// ownHostSpellings are ways to name this host's loopback: what resolvers, browsers and
// routers understand, and names that lead there.
var ownHostSpellings = []string{
	"127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "127.255.255.254", "127.8.9.10", "2130706433", "0x7f000001", "0x7F.1", "0X7f.0.0x0.1",
	"0177.0.0.1", "017700000001", "0x7f.0.0.1.", "127.0x0.0.01",
	"localhost", "localhost.", "LOCALHOST", "LocalHost.", "x.localhost", "a.b.LOCALHOST.",
	"１２７.０.０.１", "１２７。０。０。１", "127．0．0．1", "127｡1", "０x7f000001", "⓪x7f000001", "①②⑦.⓪.⓪.①", "ｌｏｃａｌｈｏｓｔ", "ⓛocalhost", "locaⓁhost．",
	"[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::0.0.0.1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:127.9.9.9]", "[0:0:0:0:0:ffff:127.0.0.1]",
	"[::127.0.0.1]", "[::7f00:1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::127.0.0.1]", "[64:ff9b:1:7f00:0:100::]",
	"[64:ff9b:1:7f:0:1::]", "[64:ff9b:1::7f:0:100:0]", "[64:ff9b:7f00:1::]", "[64:ff9b:7f:0:1::]", "[2002:7f00:1::]", "[2002:7f00:1::1]", "[2001:0:7f00:1::]",
	"[2001:0:808:808::80ff:fffe]", "[fd00::5efe:127.0.0.1]", "[fd00::200:5efe:127.0.0.1]",
	"plain.example", "mixed.example", "six.example", "mapped.example", "nat.example", "other127.example", "PLAIN.example.",
}

var ownHostZone = map[string][][]string{
	"plain.example": {{"127.0.0.1"}}, "mixed.example": {{"127.0.0.1", "::1"}}, "six.example": {{"::1"}}, "mapped.example": {{"::ffff:127.0.0.1"}},
	"nat.example": {{"64:ff9b::7f00:1"}}, "other127.example": {{"127.77.0.1"}}, "x.localhost": {{"127.0.0.1"}}, "a.b.localhost": {{"127.0.0.1"}},
}

func TestLoopbackRules(t *testing.T) {
	loopback := func(texts ...string) *NetworkPolicy {
		return (&NetworkPolicy{Loopback: rules(t, texts...).Allow}).ForOthers()
	}
	for _, test := range []struct {
		policy     *NetworkPolicy
		addr, host string
		want       bool
	}{
		{loopback(), "127.0.0.1:80", "", false},
		{loopback(), "10.0.0.1:80", "", true},
		{loopback(), "[2001:db8::1]:80", "", true},
		{loopback("127.0.0.0/8"), "127.0.0.1:80", "", true},
		{loopback("127.0.0.0/8"), "[::ffff:127.0.0.1]:80", "", true},
		{loopback("127.0.0.0/8"), "[::1]:80", "", false},
		{loopback("127.0.0.2"), "127.0.0.1:80", "", false},
		{loopback("127.0.0.1:80"), "127.0.0.1:80", "a.example", true},
		{loopback("127.0.0.1:80"), "127.0.0.1:81", "a.example", false},
		{loopback("127.0.0.1:80"), "127.0.0.1:0", "", false},
		{loopback("localhost:80"), "127.0.0.1:80", "LOCALHOST.", true},
		{loopback("localhost:80"), "127.0.0.1:80", "a.example", false},
		{loopback("localhost:80"), "[::1]:81", "localhost", false},
		{loopback("[::1]:80"), "[::1]:80", "", true},
		{loopback("*:80"), "[64:ff9b::127.0.0.1]:80", "", true},
		{loopback("*"), "169.254.169.254:80", "", false},
	} {
		if err := test.policy.Check(netip.MustParseAddrPort(test.addr), test.host); (err == nil) != test.want {
			t.Errorf("%v: %s %s: %v", test.policy.Loopback, test.addr, test.host, err)
		}
	}
	// What opens loopback permits nothing else, and what is allowed opens no loopback.
	only := rules(t, "127.0.0.0/8", "10.0.0.0/8")
	for addr, want := range map[string]bool{"127.0.0.1:80": false, "10.0.0.1:80": true, "11.0.0.1:80": false} {
		if err := only.ForOthers().Check(netip.MustParseAddrPort(addr), ""); (err == nil) != want {
			t.Errorf("%s: %v", addr, err)
		}
	}
	if only.Check(netip.MustParseAddrPort("127.0.0.1:80"), "") != nil {
		t.Error("the policy of the file has changed")
	}
	denied := &NetworkPolicy{Loopback: []NetworkRule{{}}, Deny: rules(t, "-127.0.0.0/8").Deny}
	if denied.ForOthers().Check(netip.MustParseAddrPort("127.0.0.1:80"), "") == nil {
		t.Error("what is denied is open")
	}
}

func TestOwnHostLiterals(t *testing.T) {
	var none *NetworkPolicy
	for _, host := range ownHostSpellings {
		if strings.Contains(strings.ToLower(host), "example") {
			continue // which shows at dial time
		}
		for _, suffix := range []string{"", ":80"} {
			var refusal *PolicyError
			if err := none.ForOthers().CheckLiteral(host + suffix); !errors.As(err, &refusal) {
				t.Errorf("%s%s: %v", host, suffix, err)
			}
		}
	}
	at := (&NetworkPolicy{Loopback: rules(t, "127.0.0.1:80", "[::1]:81", "x.localhost:82").Allow}).ForOthers()
	for host, want := range map[string]bool{
		"127.0.0.1:80": true, "127.0.0.1": true, "127.0.0.1:81": false, "127.0.0.2": false, "localhost:80": true, "localhost:81": true, "localhost:82": false,
		"x.localhost:82": true, "y.localhost:82": false, "localhost": true, "notlocalhost": true, "localhost.example": true,
	} {
		if err := at.CheckLiteral(host); (err == nil) != want {
			t.Errorf("%s: %v", host, err)
		}
	}
}
