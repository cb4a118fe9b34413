package prober

import (
	"errors"
	"net/netip"
	"testing"
)

func TestParseNetworkRule(t *testing.T) {
	prefix := netip.MustParsePrefix
	tests := []struct {
		text string
		want NetworkRule
		back string // what String says; empty means the text
	}{
		{"10.0.0.0/8", NetworkRule{Prefix: prefix("10.0.0.0/8")}, ""},
		{"10.0.0.0/8:8080", NetworkRule{Prefix: prefix("10.0.0.0/8"), Port: 8080}, ""},
		{"192.0.2.1", NetworkRule{Prefix: prefix("192.0.2.1/32")}, ""},
		{"192.0.2.1:80", NetworkRule{Prefix: prefix("192.0.2.1/32"), Port: 80}, ""},
		{"2001:db8::1", NetworkRule{Prefix: prefix("2001:db8::1/128")}, ""},
		{"[2001:db8::1]:443", NetworkRule{Prefix: prefix("2001:db8::1/128"), Port: 443}, ""},
		{"[2001:db8::]", NetworkRule{Prefix: prefix("2001:db8::/128")}, "2001:db8::"},
		{"2001:db8::/32", NetworkRule{Prefix: prefix("2001:db8::/32")}, ""},
		{"[2001:db8::/32]:443", NetworkRule{Prefix: prefix("2001:db8::/32"), Port: 443}, ""},
		{"::ffff:10.0.0.0/104", NetworkRule{Prefix: prefix("10.0.0.0/8")}, "10.0.0.0/8"},
		{"Example.org.", NetworkRule{Host: "example.org"}, "example.org"},
		{"*.Example.org:8443", NetworkRule{Host: "*.example.org", Port: 8443}, "*.example.org:8443"},
		{"bücher.example", NetworkRule{Host: "xn--bcher-kva.example"}, "xn--bcher-kva.example"},
		{"*.bücher.example", NetworkRule{Host: "*.xn--bcher-kva.example"}, "*.xn--bcher-kva.example"},
		{"10.0.0.1.", NetworkRule{Prefix: prefix("10.0.0.1/32")}, "10.0.0.1"},
		{" nas_1 ", NetworkRule{Host: "nas_1"}, "nas_1"},
		{"*", NetworkRule{}, ""},
		{"*:25", NetworkRule{Port: 25}, ""},
	}
	for _, test := range tests {
		got, warning, err := ParseNetworkRule(test.text)
		if err != nil || got != test.want || warning != "" {
			t.Errorf("%q: got %+v, %s, %v, want %+v", test.text, got, warning, err, test.want)
			continue
		}
		if test.back == "" {
			test.back = test.text
		}
		if got.String() != test.back {
			t.Errorf("%q is written as %q, want %q", test.text, got.String(), test.back)
		}
		if again, _, err := ParseNetworkRule(got.String()); err != nil || again != got {
			t.Errorf("%q: read again: got %+v, %v, want %+v", test.text, again, err, got)
		}
	}
	for text, want := range map[string]string{
		"":            `"" is neither a network, an address nor a host name`,
		"10.0.0.0/33": `"10.0.0.0/33" is not a valid network, such as 192.168.0.0/16 or fd00::/8`,
		"host:0":      `"host:0": "0" is not a valid port, must be 1 to 65535`,
		"host:70000":  `"host:70000": "70000" is not a valid port, must be 1 to 65535`,
		"host:":       `"host:": "" is not a valid port, must be 1 to 65535`,
		"[::1":        `"[::1": missing ]`,
		"[::1]80":     `"[::1]80": "80" follows the address`,
		"0x7f.1":      `"0x7f.1" is an unusual spelling of 127.0.0.1`,
		"a.*.b":       `"a.*.b" is neither a network, an address nor a host name`,
		"-a":          `"-a" is neither a network, an address nor a host name`,
		"http://a":    `"http://a": "//a" is not a valid port, must be 1 to 65535`,
	} {
		if got, _, err := ParseNetworkRule(text); err == nil || err.Error() != want {
			t.Errorf("%q: got %+v, %v, want error %s", text, got, err, want)
		}
	}
}

func TestAlwaysRefused(t *testing.T) {
	open := &NetworkPolicy{Allow: []NetworkRule{{}}}
	for _, text := range []string{
		"169.254.169.254", "169.254.0.1", "0.0.0.0", "0.1.2.3", "100.100.100.200", "168.63.129.16",
		"224.0.0.1", "239.255.255.255", "255.255.255.255",
		"::", "fe80::1", "fe80::1%eth0", "febf::1", "fd00:ec2::254", "ff02::1",
		"::ffff:169.254.169.254", "::169.254.169.254", "::ffff:0:169.254.169.254",
		"64:ff9b::169.254.169.254", "64:ff9b:1::169.254.169.254", "2002:a9fe:a9fe::1",
		"2001:0:a9fe:a9fe::1", "2001:0:808:808::5601:5601", "2001:db8::5efe:169.254.169.254", "2001:db8::200:5efe:169.254.169.254",
		"fd20:ce::254", "fd00:42::42", "fd00:a9fe:a9fe::1", "fd00:c1::a9fe:a9fe", "fd00:ec2::23", "192.0.0.192", "169.254.170.2", "::ffff:192.0.0.192", "2002:c000:c0::",
		"::ffff:255.255.255.255", "64:ff9b::6464:64c8", "::ffff:168.63.129.16", "2002:e000:1::",
	} {
		addr := netip.AddrPortFrom(netip.MustParseAddr(text), 80)
		for _, policy := range []*NetworkPolicy{nil, {}, open} {
			var refusal *PolicyError
			if err := policy.Check(addr, ""); !errors.As(err, &refusal) {
				t.Errorf("%s: got %v, want a refusal", text, err)
			}
		}
	}
	for _, text := range []string{
		"127.0.0.1", "::1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "fd00::1", "8.8.8.8", "2001:db8::1",
		"64:ff9b::10.0.0.1", "::ffff:127.0.0.1", "100.64.0.1", "240.0.0.1", "2002:0a00:0001::1",
	} {
		addr := netip.AddrPortFrom(netip.MustParseAddr(text), 80)
		var policy *NetworkPolicy
		if err := policy.Check(addr, ""); err != nil {
			t.Errorf("%s: got %v, want it to be allowed", text, err)
		}
	}
	var policy *NetworkPolicy
	if policy.Check(netip.AddrPort{}, "") == nil {
		t.Error("no address at all is allowed")
	}
}

// rules makes a policy of texts; those with a "-" deny.
func rules(t testing.TB, texts ...string) *NetworkPolicy {
	t.Helper()
	p := &NetworkPolicy{}
	for _, text := range texts {
		list := &p.Allow
		if text[0] == '-' {
			list, text = &p.Deny, text[1:]
		}
		rule, _, err := ParseNetworkRule(text)
		if err != nil {
			t.Fatal(err)
		}
		*list = append(*list, rule)
	}
	return p
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name, addr, host string
		policy           []string
		want             bool
	}{
		{"deny by network", "10.1.2.3:80", "", []string{"-10.0.0.0/8"}, false},
		{"deny another network", "11.1.2.3:80", "", []string{"-10.0.0.0/8"}, true},
		{"deny wins over allow", "10.1.2.3:80", "", []string{"10.0.0.0/8", "-10.1.0.0/16"}, false},
		{"deny by port", "10.1.2.3:25", "", []string{"-*:25"}, false},
		{"deny another port", "10.1.2.3:80", "", []string{"-*:25"}, true},
		{"deny by name", "10.1.2.3:80", "Bad.example.", []string{"-bad.example"}, false},
		{"deny in NAT64", "[64:ff9b::10.0.0.1]:80", "", []string{"-10.0.0.0/8"}, false},
		{"deny mapped", "[::ffff:10.0.0.1]:80", "", []string{"-10.0.0.0/8"}, false},
		{"allow mapped", "[::ffff:10.0.0.1]:80", "", []string{"10.0.0.0/8"}, true},
		{"NAT64 is no IPv4", "[64:ff9b::10.0.0.1]:80", "", []string{"10.0.0.0/8"}, false},
		{"not allowed", "8.8.8.8:80", "", []string{"10.0.0.0/8"}, false},
		{"allowed by name", "8.8.8.8:80", "dns.example", []string{"*.example"}, true},
		{"glob is not the name itself", "8.8.8.8:80", "example", []string{"*.example"}, false},
		{"allowed by name at a port", "8.8.8.8:443", "a.example", []string{"a.example:443"}, true},
		{"allowed by name at another port", "8.8.8.8:80", "a.example", []string{"a.example:443"}, false},
		{"loopback denied", "127.0.0.1:80", "localhost", []string{"-127.0.0.0/8"}, false},
		{"name is no excuse", "169.254.169.254:80", "a.example", []string{"a.example"}, false},
	}
	for _, test := range tests {
		err := rules(t, test.policy...).Check(netip.MustParseAddrPort(test.addr), test.host)
		if (err == nil) != test.want {
			t.Errorf("%s: got %v, want allowed: %v", test.name, err, test.want)
		}
	}
}

func TestCheckLiteral(t *testing.T) {
	var none *NetworkPolicy
	for _, host := range []string{
		"169.254.169.254", "169.254.169.254:80", "0xa9fea9fe", "0XA9FEA9FE", "2852039166", "0251.0376.0251.0376",
		"0xa9.0xfe.0xa9.0xfe", "169.254.43518", "169.16689662", "0", "0x0", "[::ffff:a9fe:a9fe]:80", "[fe80::1%25eth0]",
		"169.254.169.254.", "０xa9fea9fe", "１６９.254.169.254", "0xffffffff",
	} {
		var refusal *PolicyError
		if err := none.CheckLiteral(host); !errors.As(err, &refusal) {
			t.Errorf("%s: got %v, want a refusal", host, err)
		}
	}
	for _, host := range []string{
		"127.1", "0x7f000001", "2130706433", "localhost", "example.org", "example.org:80", "[::1]:80", "::1",
		"1.2.3.4.5", "0x", "08.1.1.1", "a.1", "256.256.256.256", "",
	} {
		if err := none.CheckLiteral(host); err != nil {
			t.Errorf("%s: got %v, want it to pass", host, err)
		}
	}
	noLoopback := rules(t, "-127.0.0.0/8", "-bad.example")
	for _, host := range []string{"127.1", "0x7f000001", "127.0.0.1:80", "bad.example", "Bad.Example.:443"} {
		if noLoopback.CheckLiteral(host) == nil {
			t.Errorf("%s: passes although it is denied", host)
		}
	}
	atPort := rules(t, "10.0.0.0/8:8080", "-10.1.0.0/16:22")
	for host, want := range map[string]bool{
		"10.2.0.1": true, "10.2.0.1:8080": true, "10.2.0.1:80": false, "10.1.0.1": true, "11.0.0.1": false, "any.example": true,
	} {
		if err := atPort.CheckLiteral(host); (err == nil) != want {
			t.Errorf("%s: got %v, want it to pass: %v", host, err, want)
		}
	}
}

// TestParseNetwork: what is not exactly a network is read as the one that was meant, with
// a warning, and in the same way wherever networks are configured.
func TestParseNetwork(t *testing.T) {
	for text, want := range map[string]struct{ network, warning string }{
		"10.0.0.0/8":          {"10.0.0.0/8", ""},
		"10.0.0.1/8":          {"10.0.0.0/8", `"10.0.0.1/8" has bits outside its mask and is read as 10.0.0.0/8`},
		"10.0.0.1":            {"10.0.0.1/32", ""},
		"fd00::1/8":           {"fd00::/8", `"fd00::1/8" has bits outside its mask and is read as fd00::/8`},
		"fd00::1":             {"fd00::1/128", ""},
		"0.0.0.0/0":           {"0.0.0.0/0", ""},
		"fe80::1%eth0":        {"fe80::1/128", `"fe80::1%eth0" is read as fe80::1: networks have no zone`},
		"::ffff:10.0.0.0/104": {"10.0.0.0/8", ""},
		"::ffff:10.0.0.1/104": {"10.0.0.0/8", `"::ffff:10.0.0.1/104" has bits outside its mask and is read as 10.0.0.0/8`},
		"::ffff:10.0.0.1":     {"10.0.0.1/32", ""},
		"::ffff:0.0.0.0/96":   {"0.0.0.0/0", ""},
	} {
		got, warning, err := ParseNetwork(text)
		if err != nil || got.String() != want.network || warning != want.warning {
			t.Errorf("%s: got %s, %q, %v, want %s, %q", text, got, warning, err, want.network, want.warning)
		}
		rule, warning, err := ParseNetworkRule("[" + text + "]:80")
		if err != nil || rule.Prefix != got || rule.Port != 80 || warning != want.warning {
			t.Errorf("%s as a rule: got %s, %q, %v", text, rule, warning, err)
		}
	}
	for text, want := range map[string]string{
		"":                   `"" is not a valid network, such as 192.168.0.0/16 or fd00::/8`,
		"host":               `"host" is not a valid network, such as 192.168.0.0/16 or fd00::/8`,
		"0x7f.1":             `"0x7f.1" is not a valid network, such as 192.168.0.0/16 or fd00::/8`,
		"10.0.0.0/-1":        `"10.0.0.0/-1" is not a valid network, such as 192.168.0.0/16 or fd00::/8`,
		"::ffff:10.0.0.1/8":  `"::ffff:10.0.0.1/8" covers more than IPv4; did you mean 10.0.0.0/8?`,
		"::ffff:10.0.0.0/95": `"::ffff:10.0.0.0/95" covers more than IPv4; did you mean 10.0.0.0/32?`,
	} {
		if got, _, err := ParseNetwork(text); err == nil || err.Error() != want || got.IsValid() {
			t.Errorf("%s: got %s, %v, want %s", text, got, err, want)
		}
	}
}

func FuzzParseNetworkRule(f *testing.F) {
	for _, seed := range []string{"10.0.0.0/8:80", "[::1]:1", "*.a.b", "::ffff:1.2.3.4/100", "*", "a:1", "0."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rule, _, err := ParseNetworkRule(text)
		if err != nil {
			return
		}
		if again, _, err := ParseNetworkRule(rule.String()); err != nil || again != rule {
			t.Errorf("%q: %+v is written %q, which reads %+v, %v", text, rule, rule.String(), again, err)
		}
	})
}

func FuzzCheckLiteral(f *testing.F) {
	f.Add("0251.0376.0251.0376")
	f.Add("[::ffff:169.254.169.254]:80")
	f.Fuzz(func(t *testing.T, host string) {
		var none *NetworkPolicy
		err := none.CheckLiteral(host)
		if addr, perr := netip.ParseAddr(host); perr == nil && (err == nil) != (none.Check(netip.AddrPortFrom(addr, 0), "") == nil) {
			t.Errorf("%q: Check and CheckLiteral disagree: %v", host, err)
		}
	})
}
