package zeroconf

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/health-exporter/health_exporter/internal/dnssd"
	"github.com/health-exporter/health_exporter/prober"
)

// browsing runs a Browser in a bubble until the test of it ends.
func browsing(t *testing.T, n *fakeNetwork, change func(*Browser), test func(b *Browser, found *targetsOf)) {
	synctest.Test(t, func(t *testing.T) {
		found := &targetsOf{}
		b := &Browser{
			Network: n, Services: []string{dnssd.HealthCheck}, Policy: testPolicy(), Changed: found.changed, Log: slog.New(slog.DiscardHandler),
		}
		if change != nil {
			change(b)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); b.Run(ctx) }()
		synctest.Wait()
		test(b, found)
		stop()
		<-ended
	})
}

// wait lets time go by, and what is to happen then happen.
func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestBrowserFollows(t *testing.T) {
	n := newFake(eth0)
	browsing(t, n, nil, func(b *Browser, found *targetsOf) {
		n.publish(nas(8080))
		synctest.Wait()
		expect(t, "announced", found.places(), []string{"My NAS http://10.0.0.7:8080"})
		n.publish(nas(8081))
		synctest.Wait()
		expect(t, "on another port", found.places(), []string{"My NAS http://10.0.0.7:8081"})
		calls := found.calls
		wait(5 * browseWindow)
		if found.calls != calls {
			t.Errorf("told %d times although nothing has changed", found.calls-calls)
		}
		n.say(Heard{Instance: "my nas", Type: dnssd.HealthCheck, Goodbye: true, Interface: 9})
		n.say(Heard{Instance: "my nas", Type: dnssd.HTTP, Goodbye: true, Interface: eth0.Index})
		n.say(Heard{Instance: "my nas", Type: dnssd.HealthCheck, Interface: eth0.Index})
		synctest.Wait()
		expect(t, "no goodbye of ours", found.places(), []string{"My NAS http://10.0.0.7:8081"})
		n.vanish(nas(8081))
		n.say(Heard{Instance: "my nas", Type: dnssd.HealthCheck, Goodbye: true, Interface: eth0.Index})
		synctest.Wait()
		expect(t, "after goodbye", found.places(), nil)
		s := b.Stats()
		if s.Events["added"] != 1 || s.Events["updated"] != 1 || s.Events["goodbye"] != 1 || !s.Up || s.Targets[dnssd.HealthCheck] != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestBrowserMissesTwice(t *testing.T) {
	n := newFake(eth0)
	n.publish(nas(8080))
	browsing(t, n, nil, func(b *Browser, found *targetsOf) {
		wait(browseWindow / 2)
		n.vanish(nas(8080))
		wait(browseWindow + browseWindow/2 + time.Second) // the rest of this window, which has seen it, and one more
		expect(t, "missed once", found.places(), []string{"My NAS http://10.0.0.7:8080"})
		wait(browseWindow)
		expect(t, "missed twice", found.places(), nil)
		if s := b.Stats(); s.Events["removed"] != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// TestBrowserFlood: what is announced by the thousands, in places where nothing may be,
// changes nothing but counters.
func TestBrowserFlood(t *testing.T) {
	n := newFake(eth0)
	n.publish(nas(8080))
	browsing(t, n, nil, func(b *Browser, found *targetsOf) {
		places, calls := found.places(), found.calls
		for i := range 10_000 {
			e := nas(8080)
			e.Instance = fmt.Sprintf("forged %d\x00\n", i)
			e.Addresses = []netip.Addr{netip.MustParseAddr("169.254.169.254")}
			e.Text = []string{strings.Repeat("x", 5000)}
			n.publish(e)
		}
		wait(10 * browseWindow)
		expect(t, "targets", found.places(), places)
		if found.calls != calls {
			t.Errorf("told %d times", found.calls-calls)
		}
		if s := b.Stats(); s.Dropped[ReasonNetwork] < mostPerWindow/2 || s.Errors == 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestBrowserCaps(t *testing.T) {
	n := newFake(eth0)
	browsing(t, n, func(b *Browser) { b.MaxTargets = 200 }, func(b *Browser, found *targetsOf) {
		for i := range 300 {
			e := nas(8080)
			e.Instance = fmt.Sprint("valid ", i)
			n.publish(e)
		}
		synctest.Wait()
		if got := len(found.places()); got != newPerMinute {
			t.Errorf("%d at once", got)
		}
		wait(3 * browseWindow)
		if got := len(found.places()); got != 200 {
			t.Errorf("%d after a while", got)
		}
		if s := b.Stats(); s.Dropped[ReasonCap] == 0 || s.Targets[dnssd.HealthCheck] != 200 {
			t.Errorf("%+v", s)
		}
	})
}

func TestBrowserInterfaces(t *testing.T) {
	n := newFake()
	eth1 := testInterface(3, "eth1", "10.1.0.1/24")
	browsing(t, n, nil, func(b *Browser, found *targetsOf) {
		n.publish(nas(8080))
		wait(time.Minute)
		if s := b.Stats(); s.Up || len(found.places()) > 0 {
			t.Errorf("without an interface: %+v", s)
		}
		n.set(eth0, eth1)
		wait(lookEvery)
		expect(t, "with an interface", found.places(), []string{"My NAS http://10.0.0.7:8080"})

		echo := nas(8080) // what is said on eth0 can be heard by the resolver of eth1
		echo.Interface = eth1
		n.publish(echo)
		synctest.Wait()
		if s := b.Stats(); s.Dropped[ReasonNetwork] != 0 || !s.Up {
			t.Errorf("an echo counts: %+v", s)
		}
		n.publish(nas(8080))
		n.set(eth1)
		wait(missesAllowed * browseWindow)
		expect(t, "the interface is away for a moment", found.places(), []string{"My NAS http://10.0.0.7:8080"})
		wait(2 * lookEvery)
		wait(browseWindow)
		expect(t, "the interface is away for long", found.places(), nil)
	})
}

func TestBrowserKnowsFromBefore(t *testing.T) {
	n := newFake(eth0)
	text, err := Remember([]Entry{nas(8080)})
	if err != nil {
		t.Fatal(err)
	}
	known, err := Recall(text)
	if err != nil {
		t.Fatal(err)
	}
	other := nas(8080)
	other.Type = dnssd.HTTP // is not looked for any more
	known = append(known, other)
	browsing(t, n, func(b *Browser) { b.Known = known }, func(b *Browser, found *targetsOf) {
		expect(t, "at the start", found.places(), []string{"My NAS http://10.0.0.7:8080"})
		if entries := b.Entries(); len(entries) != 1 || entries[0].Interface.Index != eth0.Index {
			t.Errorf("%+v", entries)
		}
		wait(2*browseWindow + time.Second)
		expect(t, "when it has not come back", found.places(), nil)
	})
	if _, err := Recall([]byte("{")); err == nil {
		t.Error("no error")
	}
}

func TestBrowserIgnoresItself(t *testing.T) {
	n := newFake(eth0)
	browsing(t, n, func(b *Browser) { b.OwnPort = 10115 }, func(b *Browser, found *targetsOf) {
		own := nas(10115)
		own.Addresses = []netip.Addr{eth0.Prefixes[0].Addr()}
		n.publish(own)
		synctest.Wait()
		if s := b.Stats(); len(found.places()) > 0 || len(s.Dropped) > 0 {
			t.Errorf("%v %+v", found.places(), s)
		}
	})
}

func TestCacheNames(t *testing.T) {
	c := newCache(10)
	p := testPolicy()
	see := func(instance, service string) string {
		e := nas(8080)
		e.Instance, e.Type = instance, service
		target, reason := p.target(&e)
		if reason != "" {
			t.Fatal(reason)
		}
		c.see(e, target, time.Now())
		return c.found[keyOf(instance, service)].target.App
	}
	for _, test := range []struct{ instance, service, want string }{
		{"a/b", dnssd.HealthCheck, "a-b"},
		{"a-b", dnssd.HealthCheck, "a-b (health-check)"},
		{"A/B", dnssd.HealthCheck, "a-b"},
		{"a-b", dnssd.HTTP, "a-b (http)"},
		{"a\x01-b", dnssd.HTTP, "a-b (http 1d2c3c)"},
	} {
		if got := see(test.instance, test.service); !strings.HasPrefix(got, strings.TrimSuffix(test.want, " 1d2c3c)")) || c.apps[got] != true {
			t.Errorf("%q of %s: %q, want %q", test.instance, test.service, got, test.want)
		}
	}
	if len(c.targets()) != 4 {
		t.Errorf("%+v", c.targets())
	}
}

// TestStatsDoNotWait: whoever is told of the targets writes them to a disk, which may take
// long, and /metrics must not wait for that. What is told last is the newest all the same.
func TestStatsDoNotWait(t *testing.T) {
	entered, let := make(chan int), make(chan struct{})
	b := &Browser{
		Network: newFake(eth0), Services: []string{dnssd.HealthCheck}, Policy: testPolicy(), Log: slog.New(slog.DiscardHandler),
		Known: []Entry{nas(8080)},
		Changed: func(targets []prober.Target) {
			entered <- len(targets)
			<-let
		},
	}
	first := make(chan struct{})
	go func() { defer close(first); b.Prepare() }()
	if n := <-entered; n != 1 {
		t.Errorf("told of %d targets", n)
	}
	got := make(chan BrowserStats)
	go func() { b.Entries(); got <- b.Stats() }()
	select {
	case s := <-got:
		if s.Targets[dnssd.HealthCheck] != 1 {
			t.Errorf("%+v", s)
		}
	case <-time.After(10 * time.Second):
		t.Error("the figures wait until everybody is told")
	}
	second := make(chan struct{})
	go func() {
		defer close(second)
		b.heard(Heard{Instance: "My NAS", Type: dnssd.HealthCheck, Goodbye: true, Interface: eth0.Index})
	}()
	select {
	case <-entered:
		t.Error("two are told at once")
	case <-time.After(50 * time.Millisecond):
	}
	let <- struct{}{}
	if n := <-entered; n != 0 {
		t.Errorf("at last told of %d targets", n)
	}
	let <- struct{}{}
	<-first
	<-second
}
