package prober

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"
)

func TestOutboundFaults(t *testing.T) {
	o := Outbound{SourceIPAddress: "here", Resolver: "dns.example.org"}
	_, faults := o.newDialer()
	var paths []string
	for _, fault := range faults {
		if field, ok := errors.AsType[*FieldError](fault); ok {
			paths = append(paths, field.Path)
		}
	}
	if len(paths) != 1 || paths[0] != "resolver" {
		t.Errorf("faults %v", faults)
	}
}

// TestWrongSource: blackbox_exporter loads such a file, and so do we.
func TestWrongSource(t *testing.T) {
	m, err := NewModule(ModuleSource{Kind: "tcp", Decode: func(into any) error {
		into.(*tcpProbe).SourceIPAddress = "here"
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if list := m.Warnings(); len(list) != 1 || list[0].Path != "source_ip_address" {
		t.Errorf("warnings %v", list)
	}
	res := m.Probe(t.Context(), Request{Target: "127.0.0.1:1"})
	if res.Reason != ReasonInternal || res.Error != `source_ip_address "here" is not a valid IP address` {
		t.Errorf("%q: %s", res.Reason, res.Error)
	}
}

func TestResolverAddress(t *testing.T) {
	for text, want := range map[string]string{
		"192.168.0.1": "192.168.0.1:53", "192.168.0.1:5353": "192.168.0.1:5353", "fd00::1": "[fd00::1]:53", "[fd00::1]": "[fd00::1]:53",
		"[fd00::1]:54": "[fd00::1]:54",
	} {
		if got, err := resolverAddress(text); err != nil || got != netip.MustParseAddrPort(want) {
			t.Errorf("%s: %v, %v, want %s", text, got, err, want)
		}
	}
}

// TestOutboundResolver: the named server is asked, and no other.
func TestOutboundResolver(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	asked := make(chan int, 16)
	go func() {
		buf := make([]byte, 512)
		for {
			n, _, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			select {
			case asked <- n:
			default:
			}
		}
	}()
	o := Outbound{Resolver: server.LocalAddr().String()}
	d, faults := o.newDialer()
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if addr, err := o.lookup(ctx, d, "name.example.org"); err == nil {
		t.Errorf("a silent server gave %v", addr)
	}
	if len(asked) == 0 {
		t.Error("the server was not asked")
	}
}
