package zeroconf

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/health-exporter/health_exporter/internal/dnssd"
)

func announcing(t *testing.T, n *fakeNetwork, change func(*Announcer), test func(a *Announcer, log *bytes.Buffer)) {
	synctest.Test(t, func(t *testing.T) {
		log := &bytes.Buffer{}
		a := &Announcer{
			Network: n, Name: "x", Services: []Service{{Type: dnssd.HealthExporter, Port: 10115}, {Type: dnssd.Prometheus, Port: 10115}},
			Log: slog.New(slog.NewTextHandler(log, nil)),
		}
		if change != nil {
			change(a)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); a.Run(ctx) }()
		wait(nameCheck)
		test(a, log)
		stop()
		<-ended
		expect(t, "after the goodbye", n.names(), nil)
		if s := a.Stats(); s.Up || s.Interfaces != 0 {
			t.Errorf("ended: %+v", s)
		}
	})
}

// exporterAt is another host's.
func exporterAt(address string) Entry {
	return Entry{Instance: "X", Type: dnssd.HealthExporter, Port: 10115, Addresses: []netip.Addr{netip.MustParseAddr(address)}, Interface: eth0}
}

func TestAnnouncerFollowsInterfaces(t *testing.T) {
	n := newFake(eth0)
	announcing(t, n, nil, func(a *Announcer, log *bytes.Buffer) {
		expect(t, "at first", n.names(), []string{"x " + dnssd.HealthExporter + " eth0", "x " + dnssd.Prometheus + " eth0"})
		if s := a.Stats(); !s.Up || s.Interfaces != 1 || s.Name != "x" || s.Visible {
			t.Errorf("%+v", s)
		}
		wait(time.Hour)
		if n.total != 2 {
			t.Errorf("announced %d times although nothing has changed", n.total)
		}
		if got := strings.Count(log.String(), "firewall"); got != 1 {
			t.Errorf("%d warnings that we are not seen:\n%s", got, log)
		}
		n.publish(exporterAt("10.0.0.1"))
		wait(selfCheck + selfCheckFor)
		if !a.Stats().Visible {
			t.Error("not visible")
		}
		n.set(eth0, testInterface(3, "wlan0", "10.1.0.1/24"), testInterface(4, "docker0", "172.17.0.1/16"))
		wait(lookEvery + nameCheck)
		expect(t, "with another interface", n.names(), []string{"x " + dnssd.HealthExporter + " eth0 wlan0", "x " + dnssd.Prometheus + " eth0 wlan0"})
		n.set()
		wait(lookEvery)
		expect(t, "without any", n.names(), nil)
		wait(time.Hour)
		if got := strings.Count(log.String(), "no network interface"); got != 1 || a.Stats().Up {
			t.Errorf("%d warnings:\n%s", got, log)
		}
		n.set(eth0)
		wait(lookEvery + nameCheck)
		expect(t, "again", n.names(), []string{"x " + dnssd.HealthExporter + " eth0", "x " + dnssd.Prometheus + " eth0"})
	})
}

func TestAnnouncerAddress(t *testing.T) {
	n := newFake(eth0, testInterface(3, "eth1", "10.1.0.1/24"))
	announcing(t, n, func(a *Announcer) { a.Address = netip.MustParseAddr("10.1.0.1") }, func(*Announcer, *bytes.Buffer) {
		expect(t, "listening on one address", n.names(), []string{"x " + dnssd.HealthExporter + " eth1", "x " + dnssd.Prometheus + " eth1"})
	})
}

func TestAnnouncerNameTaken(t *testing.T) {
	n := newFake(eth0)
	n.publish(exporterAt("10.0.0.9"))
	announcing(t, n, nil, func(a *Announcer, _ *bytes.Buffer) {
		expect(t, "the name is another host's", n.names(), []string{"x (2) " + dnssd.HealthExporter + " eth0", "x (2) " + dnssd.Prometheus + " eth0"})
		if s := a.Stats(); s.Renamed != 1 || s.Name != "x (2)" {
			t.Errorf("%+v", s)
		}
	})
	n = newFake(eth0)
	n.publish(exporterAt("10.0.0.1"))
	announcing(t, n, nil, func(*Announcer, *bytes.Buffer) {
		expect(t, "it is ours from before", n.names(), []string{"x " + dnssd.HealthExporter + " eth0", "x " + dnssd.Prometheus + " eth0"})
	})
}

func TestAnnouncerConflict(t *testing.T) {
	two := testInterface(2, "eth0", "10.0.0.5/24")
	n := newFake(two)
	announcing(t, n, nil, func(a *Announcer, log *bytes.Buffer) {
		say := func(address string) {
			n.say(Heard{Instance: "X", Type: dnssd.HealthExporter, Interface: 2, Addresses: []netip.Addr{netip.MustParseAddr(address)}})
			wait(nameCheck)
		}
		say("10.0.0.9") // is to give way to us
		say("10.0.0.5") // we ourselves
		wait(renameEvery)
		if n.total != 2 {
			t.Errorf("announced %d times", n.total)
		}
		n.publish(exporterAt("10.0.0.2"))
		say("10.0.0.2")
		expect(t, "the other keeps the name", n.names(), []string{"x (2) " + dnssd.HealthExporter + " eth0", "x (2) " + dnssd.Prometheus + " eth0"})
		for range 100 { // somebody wants to tease us
			n.say(Heard{Instance: "x (2)", Type: dnssd.HealthExporter, Interface: 2, Addresses: []netip.Addr{netip.MustParseAddr("10.0.0.2")}})
			wait(100 * time.Millisecond)
		}
		if n.total != 4 {
			t.Errorf("announced %d times", n.total)
		}
		if got := strings.Count(log.String(), "taking another"); got != 1 {
			t.Errorf("%d warnings", got)
		}
	})
}

func TestAnnouncerRefused(t *testing.T) {
	n := newFake(eth0)
	n.refuse = errRefused
	announcing(t, n, nil, func(a *Announcer, log *bytes.Buffer) {
		wait(time.Minute)
		if s := a.Stats(); s.Up || s.Errors < 10 || strings.Count(log.String(), "no socket") != 1 {
			t.Errorf("%+v\n%s", s, log)
		}
		n.mu.Lock()
		n.refuse = nil
		n.mu.Unlock()
		wait(lookEvery + nameCheck)
		if !a.Stats().Up {
			t.Error("not announced")
		}
	})
}

func TestFitting(t *testing.T) {
	for _, test := range []struct{ name, suffix, want string }{
		{"short", " (2)", "short (2)"},
		{strings.Repeat("a", 70), " (2)", strings.Repeat("a", 59) + " (2)"},
		{strings.Repeat("ü", 40), "", strings.Repeat("ü", 31)},
	} {
		if got := fitting(test.name, test.suffix); got != test.want {
			t.Errorf("%q", got)
		}
	}
}
