package testport

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/internal/testneed"
)

// TestReserve: refused, listened on again and again, and never given away.
func TestReserve(t *testing.T) {
	reserved := map[string]bool{}
	for range 100 {
		reserved[Reserve(t)] = true
	}
	if len(reserved) != 100 {
		t.Errorf("only %d of 100 addresses differ", len(reserved))
	}
	for address := range reserved {
		if conn, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("%s is not refused: %v %v", address, conn, err)
		}
		for range 2 {
			l, err := net.Listen("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			if reserved[conn.LocalAddr().String()] {
				t.Errorf("%s is given to who connects", conn.LocalAddr())
			}
			conn.Close()
			l.Close()
		}
	}
}

// TestNotGivenAway has the system choose from two ports, of which one is reserved.
func TestNotGivenAway(t *testing.T) {
	testneed.Namespaces(t)
	ip := testneed.Program(t, "iproute2", "ip")
	runtime.LockOSThread() // for ever: the thread, and its network, end with the test
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(ip, "link", "set", "lo", "up").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", []byte("40000 40001"), 0o600); err != nil {
		t.Fatal(err)
	}
	reserved := Reserve(t)
	for range 10 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if l.Addr().String() == reserved {
			t.Errorf("%s is given to a listener", reserved)
		}
		l.Close()
	}
	l, err := net.Listen("tcp", "127.0.0.1:7") // not from the range
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 2 {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			break // the other port is in use: there is no third
		}
		defer conn.Close()
		if conn.LocalAddr().String() == reserved {
			t.Errorf("%s is given to who connects", reserved)
		}
	}
}

func TestListen(t *testing.T) {
	l := Listen(t)
	l.Close()
	if _, err := net.Dial("tcp", l.Addr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("after it is closed: %v", err)
	}
}

func TestRefusingUDP(t *testing.T) {
	conn, err := net.Dial("udp", RefusingUDP(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("not refused: %v", err)
	}
}
