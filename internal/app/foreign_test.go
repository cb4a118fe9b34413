package app

import (
	"net/netip"
	"testing"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/prober"
)

// TestLoopbackIsNotForOthers: what another host has registered does not lead to this
// one's loopback, and what opens it counts with the next reload.
func TestLoopbackIsNotForOthers(t *testing.T) {
	loopback := netip.MustParseAddrPort("127.0.0.1:80")
	rule, _, err := prober.ParseNetworkRule("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	closed := &config.Config{Network: &prober.NetworkPolicy{}}
	open := &config.Config{Network: &prober.NetworkPolicy{Loopback: []prober.NetworkRule{rule}}}
	for _, test := range []struct {
		from string
		want bool
	}{
		{prober.FromOwnHost, true}, {"", true}, // of the file's kind
		{"10.0.0.9", false}, {"127.0.0.1", false}, {"2001:db8::1", false}, {prober.FromElsewhere, false},
	} {
		target := &prober.Target{App: "a", URL: "http://a.example", Source: prober.SourceAPI, From: test.from, Owner: "token:t"}
		p := &polling{derived: map[string]derivedTarget{}}
		d := p.derive(closed, target)
		if got := d.network.Check(loopback, "a.example") == nil; got != test.want {
			t.Errorf("from %q: %v", test.from, got)
		}
		p.derived["a"] = d
		if again := p.derive(closed, target); again.network != d.network {
			t.Errorf("from %q: the policy changes without a reason", test.from)
		}
		if p.derive(open, target).network.Check(loopback, "a.example") != nil {
			t.Errorf("from %q: closed although it was opened", test.from)
		}
	}
}
