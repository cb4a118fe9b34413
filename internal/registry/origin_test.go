package registry

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/prober"
)

// TestRecordsOfBefore have no origin: those with a literal address of the own host can
// only have been registered there.
func TestRecordsOfBefore(t *testing.T) {
	const own, other = prober.FromOwnHost, prober.FromElsewhere
	for _, c := range []struct{ url, address, want string }{
		{"http://127.0.0.1:80/x", "", own},
		{"http://127.9.9.9", "", own},
		{"http://[::1]:80", "", own},
		{"http://[::ffff:127.0.0.1]", "", own},
		{"http://localhost:8080", "", own}, // was refused from elsewhere
		{"http://LOCALHOST", "", own},
		{"", "127.0.0.1:2375", own},
		{"", "127.0.0.1", own},
		{"", "::1", own},
		{"", "[::1]:5", own},
		{"", "tcp://127.0.0.1:5", own},
		{"http://localhost.:80", "", other}, // was not
		{"", "localhost:80", other},
		{"http://10.0.0.1", "", other},
		{"http://127.0.0.1.example.org", "", other},
		{"http://127.0.0.1@example.org", "", other},
		{"http://2130706433", "", other},
		{"http://１２７.0.0.1", "", other},
		{"", "/run/docker.sock", other},
		{"", "unix:///run/docker.sock", other},
		{"", "", other},
	} {
		old := &prober.Target{App: "a", Source: prober.SourceAPI, URL: c.url, Address: c.address}
		if got := withOrigin(old); got.From != c.want || got.FromOtherHost() != (c.want == other) || old.From != "" {
			t.Errorf("url %q, address %q: %q, want %q", c.url, c.address, got.From, c.want)
		}
	}
	for _, kept := range []*prober.Target{{Source: prober.SourceAPI, From: "10.0.0.1", URL: "http://127.0.0.1"}, {Source: "config"}} {
		if withOrigin(kept) != kept {
			t.Errorf("%+v was changed", kept)
		}
	}
}

// TestOriginIsKept over a restart, and records of before are given one.
func TestOriginIsKept(t *testing.T) {
	dir := t.TempDir()
	r := open(t, Options{Path: dir})
	for app, from := range map[string]string{"a": "10.0.0.9", "b": prober.FromOwnHost, "c": ""} {
		each := api(app)
		each.From = from
		put(t, r, each)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = open(t, Options{Path: dir})
	got := map[string]string{}
	for _, each := range r.Targets() {
		got[each.App] = each.From
	}
	if diff := cmp.Diff(map[string]string{"a": "10.0.0.9", "b": prober.FromOwnHost, "c": prober.FromElsewhere}, got); diff != "" {
		t.Error(diff)
	}
}

// TestHeld counts those without a token by their address, and those of the own host
// not among them.
func TestHeld(t *testing.T) {
	r := open(t, Options{})
	register := func(app, owner, from string) Held {
		var seen Held
		each := api(app)
		each.Owner, each.From = owner, from
		if _, err := r.PutIf(each, func(_ *prober.Target, held Held) error { seen = held; return nil }); err != nil {
			t.Fatal(err)
		}
		return seen
	}
	for _, c := range []struct {
		app, owner, from string
		want             Held
	}{
		{"a", Anonymous, "10.0.0.1", Held{}},
		{"b", Anonymous, "10.0.0.1", Held{Total: 1, Owned: 1, Nameless: 1, Near: 1}},
		{"c", Anonymous, "10.0.0.2", Held{Total: 2, Nameless: 2}},
		{"d", Anonymous, prober.FromOwnHost, Held{Total: 3}},
		{"e", Anonymous, prober.FromOwnHost, Held{Total: 4, Owned: 1}},
		{"f", "token:x", "10.0.0.1", Held{Total: 5}},
		{"g", "token:x", "10.0.0.7", Held{Total: 6, Owned: 1}},
		{"h", Anonymous, "2001:db8::1", Held{Total: 7, Nameless: 3}},
		{"i", Anonymous, "2001:db8::2", Held{Total: 8, Nameless: 4, Near: 1}},
		{"j", Anonymous, "2001:db8:0:1::2", Held{Total: 9, Nameless: 5}},
		{"k", Anonymous, prober.FromElsewhere, Held{Total: 10, Nameless: 6}},
		{"l", "token:" + Anonymous, "10.0.0.1", Held{Total: 11}},
	} {
		if diff := cmp.Diff(c.want, register(c.app, c.owner, c.from)); diff != "" {
			t.Errorf("%s: %s", c.app, diff)
		}
	}
	for _, each := range r.Targets() {
		if _, err := r.Remove(prober.SourceAPI, each.App); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.owned) != 0 {
		t.Errorf("left over: %v", r.owned)
	}
}
