package app

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"github.com/health-exporter/health_exporter/internal/testneed"
)

// TestDNSDiscovery runs in a network of its own, with a name server of its own: the
// mechanism asks those of /etc/resolv.conf, at port 53.
func TestDNSDiscovery(t *testing.T) {
	const inside = "HEALTH_EXPORTER_TEST_INSIDE"
	if os.Getenv(inside) == "" {
		testneed.Namespaces(t)
		again := exec.Command(os.Args[0], "-test.run=^TestDNSDiscovery$", "-test.v")
		again.Env = append(os.Environ(), inside+"=1")
		again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS}
		if out, err := again.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	ownResolver(t)
	var broken atomic.Bool
	serveNames(t, &broken)

	file := filepath.Join(t.TempDir(), "c.yml")
	write(t, file, `
discovery:
  jobs:
  - name: srv
    module: tcp_connect
    dns_sd_configs: [{names: [_http._tcp.example.org], refresh_interval: 50ms}]
  - name: a
    module: http_2xx
    dns_sd_configs: [{names: [nas.example.org], type: A, port: 5000, refresh_interval: 50ms}]
  - name: nothing
    dns_sd_configs: [{names: [nobody.example.org], refresh_interval: 50ms}]
`)
	r := start(t, Options{ConfigFile: file})
	const all = "10.0.0.5:5000 a.example.org:80 b.example.org:8080"
	r.becomes(all)
	r.shows(`health_discovery_targets{config="nothing",mechanism="dns_sd"} 0`)
	if failures := `health_discovery_failures_total{config="srv",mechanism="dns_sd"} `; !r.metric(failures + "0") {
		t.Error("there are failures without one")
	}
	broken.Store(true) // SERVFAIL says nothing about the names
	r.eventually("told of the failure", func() bool {
		_, page := r.get("/metrics")
		return sample(page, `health_discovery_failures_total{config="srv",mechanism="dns_sd"} `) > 2 &&
			sample(page, `health_discovery_failures_total{config="a",mechanism="dns_sd"} `) > 2
	})
	if got := r.names(); got != all {
		t.Errorf("without an answer the targets are %s", got)
	}
}

// ownResolver makes loopback the only network, and its port 53 the name server.
func ownResolver(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING | unix.IFF_LOOPBACK)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		t.Fatal(err)
	}
	resolv := filepath.Join(t.TempDir(), "resolv.conf")
	write(t, resolv, "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(resolv, "/etc/resolv.conf", "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
}

// serveNames answers at port 53.
func serveNames(t *testing.T, broken *atomic.Bool) {
	t.Helper()
	records := map[string][]string{
		"_http._tcp.example.org. SRV": {
			"_http._tcp.example.org. 1 IN SRV 0 0 80 a.example.org.", "_http._tcp.example.org. 1 IN SRV 0 0 8080 b.example.org.",
		},
		"nas.example.org. A": {"nas.example.org. 1 IN A 10.0.0.5"},
	}
	conn, err := net.ListenPacket("udp", "127.0.0.1:53")
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	server := &dns.Server{PacketConn: conn, NotifyStartedFunc: func() { close(started) }}
	server.Handler = dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		found, ok := records[fmt.Sprintf("%s %s", q.Question[0].Name, dns.TypeToString[q.Question[0].Qtype])]
		if !ok {
			m.Rcode = dns.RcodeNameError
		}
		if broken.Load() {
			m.Rcode, found = dns.RcodeServerFailure, nil
		}
		for _, text := range found {
			record, err := dns.NewRR(text)
			if err != nil {
				t.Error(err)
			}
			m.Answer = append(m.Answer, record)
		}
		_ = w.WriteMsg(m)
	})
	ended := make(chan error, 1)
	go func() { ended <- server.ActivateAndServe() }()
	<-started
	t.Cleanup(func() {
		_ = server.Shutdown()
		<-ended
	})
}
