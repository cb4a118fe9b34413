package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/health-exporter/health_exporter/internal/testneed"
	"github.com/health-exporter/health_exporter/internal/testport"
	"github.com/health-exporter/health_exporter/internal/zeroconf"
)

// packetOf makes an answer of records as they are written in zone files.
func packetOf(t testing.TB, compress bool, records ...string) []byte {
	t.Helper()
	m := dns.Msg{Compress: compress}
	m.Response = true
	for i, text := range records {
		record, err := dns.NewRR(text)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			m.Answer = append(m.Answer, record)
		} else {
			m.Extra = append(m.Extra, record)
		}
	}
	packet, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packet
}

var exporterRecords = []string{
	`_health-exporter._tcp.local. 4500 IN PTR box\ v1\.2._health-exporter._tcp.local.`,
	`box\ v1\.2._health-exporter._tcp.local. 120 IN SRV 0 0 10115 Box.local.`,
	`box\ v1\.2._health-exporter._tcp.local. 4500 IN TXT "txtvers=1" "Path=/" "scheme=https" "path=/twice" "flag" "=x"`,
	`box.local. 120 IN A 10.0.0.7`,
	`box.local. 120 IN AAAA fe80::7`,
	`box.local. 120 IN NSEC box.local. A AAAA`,
}

func TestRecords(t *testing.T) {
	sender := netip.MustParseAddr("10.0.0.7")
	want := []Service{{
		Name: "box v1.2", Type: ExporterType, Host: "Box.local", Address: sender, Port: 10115,
		Text: map[string]string{"txtvers": "1", "path": "/", "scheme": "https", "flag": ""},
	}}
	for _, compress := range []bool{false, true} {
		var whole records
		if !whole.read(packetOf(t, compress, exporterRecords...), []string{ExporterType}, sender) {
			t.Error("nothing new")
		}
		if got := whole.services(); !reflect.DeepEqual(got, want) {
			t.Errorf("%+v", got)
		}
		if got := want[0].URL(); got != "https://10.0.0.7:10115" {
			t.Error(got)
		}
	}
	var pieces records // each record in a packet of its own
	for _, text := range exporterRecords {
		pieces.read(packetOf(t, false, text), []string{ExporterType}, sender)
	}
	if got := pieces.services(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestRecordsMissing(t *testing.T) {
	var r records
	services := []string{ExporterType}
	asked := func() (names []string) {
		for _, q := range r.missing() {
			var m dns.Msg
			if err := m.Unpack(q); err != nil || len(m.Question) != 1 || m.Question[0].Qclass != classInternet|unicastAnswers {
				t.Errorf("%v %+v", err, m)
			}
			names = append(names, dns.TypeToString[m.Question[0].Qtype]+" "+m.Question[0].Name)
		}
		return names
	}
	r.read(packetOf(t, false, exporterRecords[0]), services, netip.Addr{})
	if got := fmt.Sprint(asked()); got != `[SRV box\ v1\.2._health-exporter._tcp.local. TXT box\ v1\.2._health-exporter._tcp.local.]` {
		t.Error(got)
	}
	r.read(packetOf(t, false, exporterRecords[1]), services, netip.Addr{})
	if got := fmt.Sprint(asked()); got != `[A Box.local. AAAA Box.local.]` {
		t.Error(got)
	}
	r.read(packetOf(t, false, exporterRecords[3]), services, netip.Addr{})
	if got := asked(); got != nil {
		t.Error(got)
	}
}

func TestRecordsOfOthers(t *testing.T) {
	var r records
	question := packetOf(t, false, exporterRecords...)
	question[2] &^= 0x80
	refusal := packetOf(t, false, exporterRecords...)
	refusal[3] |= 3
	for name, packet := range map[string][]byte{
		"question": question, "refusal": refusal, "nothing": nil,
		"goodbye":    packetOf(t, false, `_health-exporter._tcp.local. 0 IN PTR a._health-exporter._tcp.local.`),
		"other type": packetOf(t, false, `_http._tcp.local. 9 IN PTR a._http._tcp.local.`, `a._http._tcp.local. 9 IN SRV 0 0 80 b.local.`),
		"no port":    packetOf(t, false, `a._health-exporter._tcp.local. 9 IN SRV 0 0 0 b.local.`),
		"addresses":  packetOf(t, false, `b.local. 9 IN A 0.0.0.0`, `b.local. 9 IN A 224.0.0.1`),
	} {
		if r.read(packet, []string{ExporterType}, netip.Addr{}); len(r.services()) > 0 || len(r.hosts) > 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestRecordsAreBounded(t *testing.T) {
	var r records
	for i := range 10_000 {
		r.read(packetOf(t, false, fmt.Sprintf(`a%d._health-exporter._tcp.local. 9 IN SRV 0 0 80 b%d.local.`, i, i),
			fmt.Sprintf(`b%d.local. 9 IN A 10.0.0.1`, i), fmt.Sprintf(`b0.local. 9 IN A 10.1.%d.%d`, i>>8, i&255)), []string{ExporterType}, netip.Addr{})
	}
	if len(r.instances) != maxInstances || len(r.hosts) != maxHosts || len(r.hosts[domain{"b0", "local"}.key()]) != maxAddresses || len(r.missing()) > maxMissing+1 {
		t.Errorf("%d instances, %d hosts", len(r.instances), len(r.hosts))
	}
}

func TestChoose(t *testing.T) {
	for _, test := range []struct{ addresses, sender, want string }{
		{"10.1.0.7 10.0.0.7", "10.0.0.7", "10.0.0.7"},
		{"10.1.0.7 10.2.0.7", "10.0.0.7", "10.1.0.7"},
		{"fd00::7 10.0.0.7", "fe80::1%eth0", "10.0.0.7"},
		{"fe80::7 fd00::7", "fe80::7%eth0", "fd00::7"},
		{"fe80::7", "fe80::7%eth0", "fe80::7%eth0"},
		{"fe80::7", "10.0.0.7", "10.0.0.7"},
		{"127.0.0.1", "10.0.0.7", "10.0.0.7"},
		{"", "10.0.0.7", "10.0.0.7"},
	} {
		var list []netip.Addr
		for text := range strings.FieldsSeq(test.addresses) {
			list = append(list, netip.MustParseAddr(text))
		}
		if got := choose(list, netip.MustParseAddr(test.sender)); got != netip.MustParseAddr(test.want) {
			t.Errorf("%s from %s: %v, want %s", test.addresses, test.sender, got, test.want)
		}
	}
	zoned := Service{Address: netip.MustParseAddr("fe80::7%eth0"), Port: 80}
	if fault := urlFault(zoned.URL()); fault != "" {
		t.Errorf("%s %s", zoned.URL(), fault)
	}
}

// FuzzRecords reads what anybody may send, and compares it with what another reader
// makes of it.
func FuzzRecords(f *testing.F) {
	f.Add(packetOf(f, false, exporterRecords...))
	f.Add(packetOf(f, true, exporterRecords...))
	f.Add([]byte("\x00\x00\x84\x00\x00\x00\x00\x01\x00\x00\x00\x00\xc0\x0c\x00\x0c\x00\x01\x00\x00\x00\x09\x00\x02\xc0\x0c"))
	f.Fuzz(func(t *testing.T, packet []byte) {
		var r records
		r.read(packet, []string{ExporterType, "_http._tcp"}, netip.MustParseAddr("10.0.0.7"))
		for _, s := range r.services() {
			if s.Name == "" || s.Port == 0 || !s.Address.IsValid() || len(s.Name) > 63 {
				t.Errorf("%+v", s)
			}
			if fault := urlFault(s.URL()); fault != "" {
				t.Errorf("%s %s", s.URL(), fault)
			}
		}
		for _, q := range r.missing() {
			if m := new(dns.Msg); q != nil && m.Unpack(q) != nil {
				t.Errorf("a question that nobody can read: %q", q)
			}
		}
	})
}

// onLoopback is a path that needs no network and no rights.
func onLoopback(t *testing.T) *path {
	t.Helper()
	list, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range list {
		if i.Flags&(net.FlagLoopback|net.FlagUp) != net.FlagLoopback|net.FlagUp {
			continue
		}
		if p := openIPv4(&i, linksOf(&i)); p != nil {
			return p
		}
	}
	testneed.Missing(t, "a loopback interface that is up", "ip link set lo up")
	return nil
}

// TestSearch finds what our own announcer announces.
func TestSearch(t *testing.T) {
	service := fmt.Sprintf("_hx%d-c._tcp", os.Getpid()%1_000_000)
	list, err := zeroconf.Multicast{}.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	list = slices.DeleteFunc(list, func(i zeroconf.Interface) bool { return i.Flags&net.FlagLoopback == 0 })
	for port, name := range map[int]string{9001: "b", 9002: "A"} {
		withdraw, err := zeroconf.Multicast{}.Announce(
			zeroconf.Service{Instance: name, Type: service, Port: port, Text: []string{"path=/x"}}, list)
		if err != nil {
			testneed.Missing(t, "multicast on loopback ("+err.Error()+")", "ip link set lo up, and let UDP port 5353 pass")
		}
		defer withdraw()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	found := (&search{services: []string{service}, settle: time.Second}).run(ctx, []*path{onLoopback(t)})
	if len(found) != 2 || found[0].Name != "A" || found[0].URL() != "http://127.0.0.1:9002" || found[1].Text["path"] != "/x" {
		t.Errorf("%+v", found)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if found := (&search{services: []string{"_nobody._tcp"}}).run(ctx, []*path{onLoopback(t)}); found != nil {
		t.Errorf("%+v", found)
	}
}

func TestBrowseTypes(t *testing.T) {
	for _, types := range [][]string{nil, {"http"}, {"_http"}, {"_http._sctp"}, {"_far-too-long-a-name._tcp"}, {"_ä._tcp"}} {
		if _, err := Browse(t.Context(), types...); err == nil {
			t.Errorf("%q is not an error", types)
		}
	}
}

func TestDiscoverEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Discover(ctx); !errors.Is(err, ErrNotFound) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// counting finds an exporter and counts how often it is asked.
type counting struct {
	url   string
	asked atomic.Int64
}

func (c *counting) Find(context.Context) (string, error) {
	c.asked.Add(1)
	return c.url, nil
}

func TestRegistrationRemembersTheExporter(t *testing.T) {
	t.Setenv(URLVariable, "")
	address := testport.Reserve(t)
	exporter(t, address)
	finder := &counting{url: "http://" + address}
	r, err := (&Client{Finder: finder}).Register(t.Context(), App{Name: "a", URL: "http://10.0.0.7"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Info(t.Context()); err != nil {
		t.Error(err)
	}
	if err := r.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if n := finder.asked.Load(); n != 1 {
		t.Errorf("looked for %d times", n)
	}
	r.note(errors.New("connection refused"))
	if _, err := r.client.Locate(t.Context()); err != nil || finder.asked.Load() != 2 {
		t.Errorf("it may be elsewhere: looked for %d times, %v", finder.asked.Load(), err)
	}
}

func TestExporterBelowAPath(t *testing.T) {
	for register, want := range map[string]string{
		"": "", "/api/v1/targets": "", "/watch/api/v1/targets": "/watch", "/a/b/api/v1/targets": "/a/b",
		"//evil.example/api/v1/targets": "", "/../api/v1/targets": "", "@evil.example/api/v1/targets": "", "/a?b=/api/v1/targets": "", "/x": "",
	} {
		s := Service{Address: netip.MustParseAddr("10.0.0.2"), Port: 10115, Text: map[string]string{"register": register}}
		if got := s.exporter(); got != "http://10.0.0.2:10115"+want {
			t.Errorf("%q leads to %s", register, got)
		}
	}
}
