package app

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/testneed"
	"github.com/health-exporter/health_exporter/internal/zeroconf"
	"github.com/health-exporter/health_exporter/prober"
)

// onLoopback is the interface on which the tests announce.
func onLoopback(t *testing.T) []zeroconf.Interface {
	t.Helper()
	list, err := zeroconf.Multicast{}.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range list {
		if i.Flags&net.FlagLoopback != 0 && i.Flags&net.FlagUp != 0 {
			return []zeroconf.Interface{i}
		}
	}
	testneed.Missing(t, "a loopback interface that is up", "ip link set lo up")
	return nil
}

// TestFoundTargets: a service on the network is probed as a stranger's, survives
// reload and restart, and is gone with its goodbye.
func TestFoundTargets(t *testing.T) {
	var trusted, elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	device := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			trusted.Add(1)
		}
		if r.URL.Path != "/health" {
			http.Redirect(w, r, other.URL, http.StatusFound)
		}
	}))
	defer device.Close()
	on, service := onLoopback(t), fmt.Sprintf("_hx%d-a._tcp", os.Getpid()%1_000_000)
	port := device.Listener.Addr().(*net.TCPAddr).Port
	announce := func(name, path string) (withdraw func()) {
		withdraw, err := zeroconf.Multicast{}.Announce(zeroconf.Service{Instance: name, Type: service, Port: port, Text: []string{"path=" + path}}, on)
		if err != nil {
			testneed.Missing(t, "multicast on loopback ("+err.Error()+")", "ip link set lo up, and let UDP port 5353 pass")
		}
		return withdraw
	}
	withdraw := announce("device", "/health")
	defer announce("redirecting", "/page")()

	dir := t.TempDir()
	file := filepath.Join(dir, "c.yml")
	write := func(discovery string) {
		t.Helper()
		text := "modules: {health: {prober: health, health: {basic_auth: {username: u, password: p}}}}\n" + discovery
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("discovery: {mdns: {services: [" + service + "], interfaces: [" + on[0].Name + "], labels: {room: attic}}}")
	opts := Options{ConfigFile: file, StoragePath: filepath.Join(dir, "data")}
	r := start(t, opts)
	shows := func(want string) func() bool {
		return func() bool { _, page := r.get("/metrics"); return strings.Contains(page, want) }
	}
	r.eventually("probed", shows(`health_target_up{target="device"} 1`))
	r.eventually("redirected nowhere", shows(`health_target_failures_total{target="redirecting",reason="status"} 1`))
	if trusted.Load() > 0 || elsewhere.Load() > 0 {
		t.Errorf("%d requests with our password, %d elsewhere", trusted.Load(), elsewhere.Load())
	}
	first, _ := r.storage.Target("device")

	write("discovery: {mdns: {services: [" + service + "], interfaces: [" + on[0].Name + "], labels: {room: cellar}}}")
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.eventually("in the cellar", shows(`room="cellar"`))
	if again, ok := r.storage.Target("device"); !ok || !again.RegisteredAt.Equal(first.RegisteredAt) {
		t.Errorf("after the reload it is a new target: %+v", again)
	}
	r.end()

	withdraw() // while nothing listens
	r = start(t, opts)
	if _, ok := r.storage.Target("device"); !ok {
		t.Error("the restart has forgotten it")
	}
	r.eventually("probed again, and counted on", func() bool {
		_, page := r.get("/metrics")
		_, line, _ := strings.Cut(page, `health_target_consecutive_successes{target="device"} `)
		var passes int
		fmt.Sscan(line, &passes)
		return passes >= 2
	})
	var left time.Time
	r.eventually("gone", func() bool {
		if time.Since(left) > 3*time.Second { // one goodbye may be lost, as any packet of multicast DNS
			announce("device", "/health")()
			left = time.Now()
		}
		_, ok := r.storage.Target("device")
		return !ok
	})
	write("")
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := r.storage.Target("redirecting"); ok || shows("health_zeroconf_up")() {
		t.Error("still there although nothing is to be discovered")
	}
}

func TestRecallOfNonsense(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, foundFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "c.yml")
	if err := os.WriteFile(file, []byte("discovery: {mdns: {interfaces: [nowhere0]}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, Options{ConfigFile: file, StoragePath: dir})
	r.eventually("browsing in vain", func() bool {
		_, page := r.get("/metrics")
		return strings.Contains(page, `health_zeroconf_up{role="browse"} 0`)
	})
}

func TestLoopbackIsNotAnnounced(t *testing.T) {
	r := start(t, Options{Zeroconf: true})
	if _, page := r.get("/metrics"); strings.Contains(page, "health_zeroconf_") {
		t.Error("announced")
	}
}

func TestReachable(t *testing.T) {
	listener := func(address string) net.Listener {
		a, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		return fixedListener{addr: a}
	}
	for _, test := range []struct {
		addresses []string
		want      listening
	}{
		{nil, listening{}},
		{[]string{"127.0.0.1:1", "[::1]:2"}, listening{}},
		{[]string{"127.0.0.1:1", "0.0.0.0:2"}, listening{port: 2}},
		{[]string{"10.0.0.1:1", "[::]:2"}, listening{port: 2}},
		{[]string{"10.0.0.1:1", "10.0.0.2:2"}, listening{port: 1, address: netip.MustParseAddr("10.0.0.1")}},
	} {
		var list []net.Listener
		for _, address := range test.addresses {
			list = append(list, listener(address))
		}
		if got := reachable(list); got != test.want {
			t.Errorf("%v: %+v", test.addresses, got)
		}
	}
}

// fixedListener has an address and nothing else.
type fixedListener struct {
	net.Listener
	addr net.Addr
}

func (l fixedListener) Addr() net.Addr { return l.addr }

func TestUsesTLS(t *testing.T) {
	file := filepath.Join(t.TempDir(), "web.yml")
	for text, want := range map[string]bool{
		"": false, "basic_auth_users: {a: b}": false, "tls_server_config: {}": false, "tls_server_config: {cert_file: a, key_file: b}": true,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := usesTLS(&file); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if usesTLS(nil) || usesTLS(new(string)) || usesTLS(new(file+".none")) {
		t.Error("TLS without a file")
	}
}

func TestAnnounced(t *testing.T) {
	dir := t.TempDir()
	m := &multicast{path: dir, version: "1.2.3", log: slog.New(slog.DiscardHandler)}
	id := m.exporterID()
	if again := m.exporterID(); again != id || !validID.MatchString(id) {
		t.Errorf("%q and then %q", id, again)
	}
	if other := (&multicast{log: m.log}).exporterID(); other == id {
		t.Error("the same without storage")
	}
	m.at = listening{port: 10115, https: true}
	list := m.announced(id)
	for i, want := range []string{
		"[txtvers=1 path=/health register=/api/v1/targets scheme=https id=" + id + " version=1.2.3]",
		"[txtvers=1 path=/metrics scheme=https id=" + id + " version=1.2.3]",
	} {
		if got := fmt.Sprint(list[i].Text); got != want || list[i].Port != 10115 {
			t.Errorf("%s, want %s", got, want)
		}
	}
	m.prefix = "/watch/"
	if got := fmt.Sprint(m.announced(id)[0].Text); !strings.Contains(got, "path=/watch/health register=/watch/api/v1/targets ") {
		t.Errorf("below a path: %s", got)
	}
	if got := announcedName("pi", id); got != "health_exporter on pi ("+id[:4]+")" {
		t.Error(got)
	}
	if got := announcedName(strings.Repeat("ü", 60), id); len(got)+len(" (99)") > 63 || !strings.HasSuffix(got, "("+id[:4]+")") {
		t.Errorf("%q has %d bytes", got, len(got))
	}
}

func TestNetworkForFound(t *testing.T) {
	cfg := config.Default()
	cfg.Network = &prober.NetworkPolicy{Deny: []prober.NetworkRule{{Port: 99}}}
	for _, target := range []prober.Target{
		{URL: "http://10.0.0.7:80/x?y=http://10.0.0.8"}, {Address: "10.0.0.7"}, {Address: "10.0.0.7:80"}, {URL: "http://nas/"}, {Address: "nas:80"},
	} {
		policy := networkForFound(cfg, &target)
		for addr, ok := range map[string]bool{"10.0.0.7:80": strings.Contains(target.Place(), "10.0.0.7"), "10.0.0.8:80": false, "10.0.0.7:99": false} {
			if err := policy.Check(netip.MustParseAddrPort(addr), "nas"); (err == nil) != ok {
				t.Errorf("%s: %s: %v", target.Place(), addr, err)
			}
		}
	}
	if (&rules{cfg: cfg}).moduleForFound("health") != nil {
		t.Error("a module although nothing is to be discovered")
	}
}
