package zeroconf

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/miekg/dns"

	"github.com/health-exporter/health_exporter/internal/dnssd"
)

func TestEscape(t *testing.T) {
	for _, test := range []struct{ instance, label string }{
		{"plain", "plain"},
		{"box.local", `box\.local`},
		{"hx one", `hx\ one`},
		{"hx(1)", `hx\(1\)`},
		{"ü", `\195\188`},
		{`a\b`, `a\\b`},
		{"tab\t", `tab\009`},
		{`"'@;`, `\"\'\@\;`},
	} {
		if got := Escape(test.instance); got != test.label {
			t.Errorf("%q: %s, want %s", test.instance, got, test.label)
		}
		if got, ok := Unescape(test.label); got != test.instance || !ok {
			t.Errorf("%s: %q %v, want %q", test.label, got, ok, test.instance)
		}
	}
	for _, label := range []string{"", `\`, `\2`, `\25`, `\256`, `\999`, `a\`, `\255`, strings.Repeat("a", 64)} {
		if got, ok := Unescape(label); ok {
			t.Errorf("%q is not a label but %q", label, got)
		}
	}
}

func TestSplitName(t *testing.T) {
	for _, test := range []struct{ full, instance, service string }{
		{`My\ NAS._http._tcp.local.`, "My NAS", "_http._tcp"},
		{`a\._b._Health-Check._TCP.Local.`, "a._b", "_health-check._tcp"},
		{`a._http._tcp.local`, "", ""},
		{`._http._tcp.local.`, "", ""},
		{`_http._tcp.local.`, "", ""},
		{`a\._http._tcp.local.`, "", ""},
		{`a.http._tcp.local.`, "", ""},
		{`local.`, "", ""},
		{``, "", ""},
	} {
		instance, service, ok := splitName(test.full)
		if ok != (test.instance != "") || ok && (instance != test.instance || service != test.service) {
			t.Errorf("%s: %q %q %v", test.full, instance, service, ok)
		}
	}
}

func TestHostLabel(t *testing.T) {
	for name, want := range map[string]string{
		"box": "box", "box.example.org": "box", "my_box": "my-box", "": "health-exporter", "local": "health-exporter", "-": "health-exporter",
	} {
		if got := hostLabel(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestServiceIsValidated(t *testing.T) {
	good := Service{Instance: "x", Type: dnssd.HTTP, Port: 80, Text: []string{"txtvers=1"}}
	if err := good.validate(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Service){
		"the name":            func(s *Service) { s.Instance = strings.Repeat("x", 64) },
		"is not a valid type": func(s *Service) { s.Type = "_prometheus-https._tcp" },
		"the port":            func(s *Service) { s.Port = 0 },
		"has 256 bytes":       func(s *Service) { s.Text = []string{strings.Repeat("x", 256)} },
		"at most 400 are":     func(s *Service) { s.Text = slices.Repeat([]string{strings.Repeat("x", 99)}, 5) },
	} {
		s := good
		change(&s)
		if _, err := (Multicast{}).Announce(s, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := (Multicast{}).Announce(good, nil); err == nil {
		t.Error("announced on no interface")
	}
}

func TestChoose(t *testing.T) {
	down := testInterface(3, "eth1", "10.1.0.1/24")
	down.Flags = 0
	list := []Interface{eth0, down, testInterface(4, "eth2"), testInterface(5, "veth12", "10.2.0.1/24"), testInterface(6, "br-ab", "10.3.0.1/24")}
	if got := namesOf(choose(list, nil)); got != "eth0" {
		t.Error(got)
	}
	if got := namesOf(choose(list, []string{"veth12", "eth1", "eth9"})); got != "veth12" {
		t.Error(got)
	}
}

// FuzzName reads what anybody may send as a name.
func FuzzName(f *testing.F) {
	for _, seed := range []string{`My\ NAS._http._tcp.local.`, `\195\188._a._udp.local.`, `\`, "a.b.c.d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, full string) {
		instance, service, ok := splitName(full)
		if !ok {
			return
		}
		if !utf8.ValidString(instance) || len(instance) > maxInstance || !isType(service) {
			t.Errorf("%q %q", instance, service)
		}
		if again, ok := Unescape(Escape(instance)); again != instance || !ok {
			t.Errorf("%q comes back as %q", instance, again)
		}
		if app, ok := appName(instance); ok && (app == "" || strings.Contains(app, "/") || strings.TrimSpace(app) != app) {
			t.Errorf("app %q", app)
		}
	})
}

func FuzzText(f *testing.F) {
	f.Add("path=/health", "PATH=/twice", "=nothing")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		for key, value := range ParseText([]string{a, b, c}) {
			if key == "" || key != strings.ToLower(key) || len(key) > maxKey || len(value) > maxValue || !utf8.ValidString(value) || strings.ContainsAny(value, "\x00\r\n") {
				t.Errorf("%q=%q", key, value)
			}
		}
		if validPath(a) && (a[0] != '/' || len(a) > maxPath || strings.ContainsAny(a, "\r\n\x00@\\ ") || strings.Contains(a, "//")) {
			t.Errorf("%q is a path", a)
		}
	})
}

// packetOf makes an answer of records as they are written in zone files.
func packetOf(t testing.TB, records ...string) []byte {
	t.Helper()
	m := dns.Msg{}
	m.Response = true
	for _, text := range records {
		record, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		m.Answer = append(m.Answer, record)
	}
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

func TestParseHeard(t *testing.T) {
	packet := packetOf(t,
		`_http._tcp.local. 0 IN PTR one\ two._http._tcp.local.`,
		`three._http._tcp.local. 120 IN SRV 0 0 80 box.local.`,
		`four._http._tcp.local. 0 IN SRV 0 0 80 box.local.`,
		`_http._tcp.local. 120 IN PTR there._http._tcp.local.`,
		`box.local. 120 IN A 10.0.0.7`,
	)
	list := parseHeard(packet)
	if len(list) != 3 || list[0].Instance != "one two" || !list[0].Goodbye || list[1].Instance != "three" || list[1].Goodbye ||
		len(list[1].Addresses) != 1 || !list[2].Goodbye {
		t.Errorf("%+v", list)
	}
	query := slices.Clone(packet)
	query[2] &^= 0x80
	if list := parseHeard(query); list != nil {
		t.Errorf("a question: %+v", list)
	}
}

// FuzzHeard reads what anybody may send as a packet.
func FuzzHeard(f *testing.F) {
	f.Add(packetOf(f, `_http._tcp.local. 0 IN PTR one._http._tcp.local.`, `one._http._tcp.local. 0 IN SRV 0 0 80 box.local.`, `box.local. 1 IN A 10.0.0.7`))
	f.Add([]byte("\x00\x00\x84\x00"))
	f.Fuzz(func(t *testing.T, packet []byte) {
		list := parseHeard(packet)
		if len(list) > maxRecords {
			t.Errorf("%d at once", len(list))
		}
		for _, h := range list {
			if h.Instance == "" || !isType(h.Type) || len(h.Addresses) > maxAddresses {
				t.Errorf("%+v", h)
			}
		}
	})
}

func isType(service string) bool {
	lower, err := dnssd.ParseType(service)
	return err == nil && lower == service
}
