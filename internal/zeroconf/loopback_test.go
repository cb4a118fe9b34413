package zeroconf

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/health-exporter/health_exporter/internal/dnssd"
	"github.com/health-exporter/health_exporter/internal/testneed"
)

// loopback is the interface on which tests talk to themselves, without any rights.
func loopback(t *testing.T) Interface {
	t.Helper()
	list, err := Multicast{}.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range list {
		if i.loopback() && i.Flags&net.FlagUp != 0 && len(i.Prefixes) > 0 {
			return i
		}
	}
	testneed.Missing(t, "a loopback interface that is up", "ip link set lo up")
	return Interface{}
}

// ownType is one that no other test on this machine uses at the same time.
func ownType(n int) string { return fmt.Sprintf("_hx%d-%d._tcp", os.Getpid()%1_000_000, n) }

func eventually(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %v it is not so that %s", limit, what)
		}
	}
}

// together runs the parts until the test ends.
func together(t *testing.T, parts ...interface{ Run(context.Context) }) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	for _, p := range parts {
		work.Go(func() { p.Run(ctx) })
	}
	stop = func() { cancel(); work.Wait() }
	t.Cleanup(stop)
	return stop
}

// TestLoopback announces and browses with real sockets: seen at once, gone with the
// goodbye, and not disturbed by a flood.
func TestLoopback(t *testing.T) {
	lo := loopback(t)
	service, quiet := ownType(1), slog.New(slog.DiscardHandler)
	announcer := func(name string, port int, text ...string) *Announcer {
		return &Announcer{
			Network: Multicast{}, Name: name, Services: []Service{{Type: service, Port: port, Text: append([]string{"txtvers=1"}, text...)}},
			Interfaces: []string{lo.Name}, Log: quiet,
		}
	}
	found := &targetsOf{}
	browser := &Browser{
		Network: Multicast{}, Services: []string{service}, Interfaces: []string{lo.Name}, Policy: testPolicy(), Changed: found.changed, Log: quiet,
	}
	together(t, browser)
	one := announcer("Box one (1).x", 8080, "path=/health", "id=1")
	stopOne := together(t, one)
	together(t, announcer("ü two", 8081))
	is := func(want ...string) func() bool {
		return func() bool { return fmt.Sprint(found.places()) == fmt.Sprint(want) }
	}
	const limit = 20 * time.Second
	eventually(t, limit, "both are found", is("Box one (1).x http://127.0.0.1:8080", "ü two http://127.0.0.1:8081"))
	eventually(t, limit, "it sees itself", func() bool { return one.Stats().Visible })

	stopOne()
	eventually(t, limit, "it is gone with its goodbye", is("ü two http://127.0.0.1:8081"))
	if s := browser.Stats(); s.Events["goodbye"] != 1 || s.Events["removed"] != 0 {
		t.Errorf("%+v", s)
	}

	flood(t, lo, service)
	eventually(t, limit, "the flood is noticed", func() bool { return browser.Stats().Dropped[ReasonNetwork] > 100 })
	if !is("ü two http://127.0.0.1:8081")() {
		t.Errorf("after the flood: %v", found.places())
	}
}

// flood sends 10 000 instances that lead to where nothing may be probed, with texts
// that are too long, and then a thousand packets of nonsense.
func flood(t *testing.T, on Interface, service string) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := ipv4.NewPacketConn(conn).SetMulticastInterface(&on.Interface); err != nil {
		t.Fatal(err)
	}
	group := &net.UDPAddr{IP: groupIPv4, Port: 5353}
	send := func(packet []byte) {
		if _, err := conn.WriteToUDP(packet, group); err != nil {
			t.Fatal(err)
		}
	}
	long, number := strings.Repeat("x", 255), []byte("00000")
	name := `forged\ \000\010` + string(number) + "." + service + ".local."
	template := packetOf(t, service+".local. 3200 IN PTR "+name, name+" 3200 IN SRV 0 0 8080 forged.local.",
		name+` 3200 IN TXT "path=/health" "`+long+`" "`+long+`"`, "forged.local. 120 IN A 169.254.169.254")
	for i := range 10_000 {
		send(bytes.ReplaceAll(template, number, fmt.Appendf(nil, "%05d", i)))
	}
	for i := range 1000 {
		send([]byte(strings.Repeat(string(rune(i)), 100)))
	}
}

// TestLoopbackConflict: of two with one name, the second takes another.
func TestLoopbackConflict(t *testing.T) {
	lo := loopback(t)
	service := ownType(2)
	withdraw, err := Multicast{}.Announce(Service{Instance: "same", Type: service, Port: 9000}, []Interface{lo})
	if err != nil {
		t.Fatal(err)
	}
	defer withdraw()
	elsewhere := lo // whose addresses are others, as those of another host would be
	elsewhere.Prefixes = nil
	a := &Announcer{Network: Multicast{}, Name: "same", Services: []Service{{Type: service, Port: 9001}}, Log: slog.New(slog.DiscardHandler)}
	if got := a.freeName(t.Context(), []Interface{elsewhere}); got != "same (2)" {
		t.Errorf("%q", got)
	}
	if got := a.freeName(t.Context(), []Interface{lo}); got != "same" {
		t.Errorf("%q", got)
	}
}

// TestNoMulticast: what cannot be is an error and leaves nothing behind.
func TestNoMulticast(t *testing.T) {
	nowhere := Interface{Interface: net.Interface{Index: 1 << 20, Name: "nowhere", Flags: net.FlagUp | net.FlagMulticast}}
	if err := (Multicast{}).Browse(t.Context(), dnssd.HTTP, nowhere, func(Entry) {}); err == nil {
		t.Error("browsing nowhere is not an error")
	}
	if err := (Multicast{}).Listen(t.Context(), []Interface{nowhere}, func(Heard) {}); err == nil {
		t.Error("listening nowhere is not an error")
	}
	if _, err := (Multicast{}).Announce(Service{Instance: "x", Type: dnssd.HTTP, Port: 1}, []Interface{nowhere}); err == nil {
		t.Error("announcing nowhere is not an error")
	}
	b := &Browser{Services: []string{dnssd.HTTP}}
	if s := b.Stats(); s.Up || s.Targets[dnssd.HTTP] != 0 || b.Entries() != nil {
		t.Errorf("before it runs: %+v", s)
	}
}
