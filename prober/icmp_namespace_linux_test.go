package prober

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"github.com/health-exporter/health_exporter/internal/testneed"
)

// icmpRights are what a process may have.
type icmpRights struct{ unprivileged, raw bool }

// inNamespace gives the test a network of its own, of which it has loopback, and
// just these rights to send ICMP. What it starts in other goroutines is outside,
// except for sockets that exist already.
func inNamespace(t testing.TB, rights icmpRights) {
	t.Helper()
	testneed.Namespaces(t)
	runtime.LockOSThread() // for ever: the thread ends with the test
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	if err := startLoopback(); err != nil {
		t.Fatal(err)
	}
	allowed := "1\t0" // nobody
	if rights.unprivileged {
		allowed = fmt.Sprintf("0\t%d", os.Getegid())
	}
	sysctl(t, "net/ipv4/ping_group_range", allowed)
	if !rights.raw {
		dropRawSockets(t)
	}
}

func startLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING | unix.IFF_LOOPBACK)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

func sysctl(t testing.TB, name, value string) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/"+name, []byte(value), 0o644); err != nil {
		t.Fatal(err)
	}
}

// dropRawSockets takes the right to open raw sockets from the thread.
func dropRawSockets(t testing.TB) {
	t.Helper()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		t.Fatal(err)
	}
	data[0].Effective &^= 1 << unix.CAP_NET_RAW
	if err := unix.Capset(&header, &data[0]); err != nil {
		t.Fatal(err)
	}
}

// echoRequest is an echo request as it arrived.
type echoRequest struct {
	from, to netip.Addr
	ttl      int
	df       bool
	message  []byte
}

// echoHost answers echo requests in place of the kernel. It must be made while the
// thread may open raw sockets.
type echoHost struct {
	conn4 *ipv4.RawConn
	conn6 *ipv6.PacketConn
	wg    sync.WaitGroup
}

// newEchoHost hands each request for loopback to answer, in the order in which
// they come, until the test ends.
func newEchoHost(t testing.TB, answer func(h *echoHost, r echoRequest)) *echoHost {
	t.Helper()
	sysctl(t, "net/ipv4/icmp_echo_ignore_all", "1")
	sysctl(t, "net/ipv6/icmp/echo_ignore_all", "1")
	h := new(echoHost)
	conn4, err := net.ListenPacket("ip4:1", "0.0.0.0")
	if err != nil {
		t.Fatal(err)
	}
	roomFor(t, conn4.(*net.IPConn))
	conn6, err := net.ListenPacket("ip6:58", "::1")
	if err != nil {
		t.Fatal(err)
	}
	if h.conn4, err = ipv4.NewRawConn(conn4); err != nil {
		t.Fatal(err)
	}
	h.conn6 = ipv6.NewPacketConn(conn6)
	if err := h.conn6.SetControlMessage(ipv6.FlagHopLimit, true); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex // answer is called once at a time
	h.wg.Go(func() { h.read4(&mu, answer) })
	h.wg.Go(func() { h.read6(&mu, answer) })
	t.Cleanup(func() { conn4.Close(); conn6.Close(); h.wg.Wait() })
	return h
}

// roomFor makes room for thousands of requests, which only root may.
func roomFor(t testing.TB, conn *net.IPConn) {
	t.Helper()
	raw, err := conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var option error
	if err := raw.Control(func(fd uintptr) {
		option = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20)
	}); err != nil || option != nil {
		t.Fatal(err, option)
	}
}

func (h *echoHost) read4(mu *sync.Mutex, answer func(h *echoHost, r echoRequest)) {
	buf := make([]byte, 1<<16)
	for {
		header, message, _, err := h.conn4.ReadFrom(buf)
		if err != nil {
			return
		}
		if len(message) >= echoHeader && message[0] == echoRequest4 {
			from, _ := netip.AddrFromSlice(header.Src)
			to, _ := netip.AddrFromSlice(header.Dst)
			mu.Lock()
			answer(h, echoRequest{from.Unmap(), to.Unmap(), header.TTL, header.Flags&ipv4.DontFragment != 0, append([]byte{}, message...)})
			mu.Unlock()
		}
	}
}

func (h *echoHost) read6(mu *sync.Mutex, answer func(h *echoHost, r echoRequest)) {
	buf := make([]byte, 1<<16)
	for {
		n, control, _, err := h.conn6.ReadFrom(buf)
		if err != nil {
			return
		}
		if n >= echoHeader && buf[0] == echoRequest6 {
			mu.Lock()
			answer(h, echoRequest{netip.IPv6Loopback(), netip.IPv6Loopback(), control.HopLimit, false, append([]byte{}, buf[:n]...)})
			mu.Unlock()
		}
	}
}

// reply answers a request as it should be.
func (h *echoHost) reply(r echoRequest) { h.send(r, r.to, replyTo(r)) }

// replyTo is the message that answers a request.
func replyTo(r echoRequest) []byte {
	m := append([]byte{}, r.message...)
	m[0] = echoReply4
	if r.to.Is6() {
		m[0] = echoReply6
	}
	return withChecksum(m)
}

// withChecksum makes the checksum right; that of ICMPv6 the kernel makes itself.
func withChecksum(m []byte) []byte {
	m[checksumAt], m[checksumAt+1] = 0, 0
	sum := checksum(m)
	m[checksumAt], m[checksumAt+1] = byte(sum>>8), byte(sum)
	return m
}

// send sends a message back, as if from this address.
func (h *echoHost) send(r echoRequest, from netip.Addr, message []byte) {
	if r.to.Is6() {
		_, _ = h.conn6.WriteTo(message, nil, &net.IPAddr{IP: r.from.AsSlice()})
		return
	}
	_ = h.conn4.WriteTo(&ipv4.Header{
		Version: ipv4.Version, Len: ipv4.HeaderLen, TotalLen: ipv4.HeaderLen + len(message), TTL: 55,
		Protocol: protocolICMP, Src: from.AsSlice(), Dst: r.from.AsSlice(),
	}, message, nil)
}
