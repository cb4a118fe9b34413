package app

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/dnssd"
	"github.com/health-exporter/health_exporter/internal/durable"
	"github.com/health-exporter/health_exporter/internal/zeroconf"
)

// listening is the address at which others reach us.
type listening struct {
	port    int // 0: nowhere
	address netip.Addr
	https   bool
}

// restartAnnouncer begins anew; mu is held.
func (m *multicast) restartAnnouncer(cfg *config.MDNS) {
	m.announcer.end()
	if !m.wanted || m.at.port == 0 {
		return
	}
	id := m.exporterID()
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	host, _, _ = strings.Cut(host, ".")
	m.announcer.begin(m.base, &zeroconf.Announcer{
		Network: zeroconf.Multicast{}, Name: announcedName(host, id), Services: m.announced(id),
		Interfaces: interfacesOf(cfg), Address: m.at.address, Log: m.log,
	})
}

// announcedName is what people see. It is cut where it has to be: in the host's name.
func announcedName(host, id string) string {
	const most = 63
	suffix := " (" + id[:4] + ")"
	name := "health_exporter on " + host
	return strings.ToValidUTF8(name[:min(len(name), most-len(suffix)-len(" (99)"))], "") + suffix
}

func (m *multicast) announced(id string) []zeroconf.Service {
	scheme := "http"
	if m.at.https {
		scheme = "https"
	}
	common := []string{"scheme=" + scheme, "id=" + id}
	if version := m.version; version != "" && len(version) < 64 {
		common = append(common, "version="+version)
	}
	text := func(first ...string) []string { return append(append([]string{"txtvers=1"}, first...), common...) }
	port := m.at.port
	below := cmp.Or(m.prefix, "/")
	return []zeroconf.Service{
		{Type: dnssd.HealthExporter, Port: port, Text: text("path="+below+"health", "register="+below+"api/v1/targets")},
		{Type: dnssd.Prometheus, Port: port, Text: text("path=" + below + "metrics")},
	}
}

// idFile keeps what makes our name different from those of others.
const idFile = "zeroconf.id"

var validID = regexp.MustCompile(`^[0-9a-f]{16}$`)

// exporterID is random, and the same after a restart if there is a storage directory.
func (m *multicast) exporterID() string {
	file := filepath.Join(m.path, idFile)
	if m.path != "" {
		if text, err := os.ReadFile(file); err == nil && validID.MatchString(strings.TrimSpace(string(text))) {
			return strings.TrimSpace(string(text))
		}
	}
	var random [8]byte
	rand.Read(random[:]) // never fails
	id := hex.EncodeToString(random[:])
	if m.path != "" {
		if err := durable.WriteFile(file, []byte(id+"\n"), 0o600); err != nil {
			m.log.Warn("the name on the network will be another one after a restart", "err", err)
		}
	}
	return id
}

// reachable finds the first listener that others can reach.
func reachable(listeners []net.Listener) (l listening) {
	for _, each := range listeners {
		tcp, ok := each.Addr().(*net.TCPAddr)
		if !ok {
			continue
		}
		addr, ok := netip.AddrFromSlice(tcp.IP)
		switch addr = addr.Unmap(); {
		case !ok || addr.IsUnspecified():
			return listening{port: tcp.Port}
		case !addr.IsLoopback() && l.port == 0:
			l = listening{port: tcp.Port, address: addr}
		}
	}
	return l
}
