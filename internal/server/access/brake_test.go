package access

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestBrake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b Brake
		addr := netip.MustParseAddr
		taken := func(at string, n int) (done int, wait time.Duration) {
			for range n {
				if wait = b.Take(addr(at), 10, 100); wait == 0 {
					done++
				}
			}
			return done, wait
		}
		if done, wait := taken("10.0.0.1", 150); done != 100 || wait != 100*time.Millisecond {
			t.Errorf("%d at once, then a wait of %v", done, wait)
		}
		if done, _ := taken("10.0.0.2", 1); done != 1 {
			t.Error("another address is held up")
		}
		time.Sleep(time.Second)
		if done, _ := taken("10.0.0.1", 150); done != 10 {
			t.Errorf("%d a second later", done)
		}
		time.Sleep(time.Hour)
		if done, _ := taken("::ffff:10.0.0.1", 150); done != 100 {
			t.Errorf("%d an hour later", done)
		}
		if len(b.buckets) != 1 {
			t.Errorf("%d addresses are remembered", len(b.buckets))
		}
		taken("2001:db8::1", 100)
		if done, _ := taken("2001:db8::2", 1); done != 0 {
			t.Error("one host has more than one address of IPv6")
		}
		if done, _ := taken("2001:db8:0:1::2", 1); done != 1 {
			t.Error("another network is held up")
		}
		for range 1000 {
			if b.Take(addr("10.0.0.1"), 0, 100)+b.Take(addr("10.0.0.1"), 10, 0) != 0 {
				t.Fatal("there is a bound where none was wanted")
			}
		}
	})
}

// TestBrakeIsBounded in its memory, whatever many addresses there are.
func TestBrakeIsBounded(t *testing.T) {
	var b Brake
	for i := range maxBuckets + 1000 {
		b.Take(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 1, 100)
		if len(b.buckets) > maxBuckets {
			t.Fatalf("%d addresses are remembered", len(b.buckets))
		}
	}
}

// TestStrangers logs each name once an hour, and not too many.
func TestStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, nil))
		var s Strangers
		note := func(host string) int {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Host = host
			before := strings.Count(out.String(), "\n")
			s.Note(log, NewGate(nil).Identify(&Rules{}, r))
			return strings.Count(out.String(), "\n") - before
		}
		for i, want := range []int{1, 0, 0} {
			if got := note("evil.example:80"); got != want {
				t.Errorf("request %d: %d lines", i, got)
			}
		}
		if note("EVIL.example.") != 0 || !strings.Contains(out.String(), "access.hosts") || !strings.Contains(out.String(), "host=evil.example ") {
			t.Errorf("%s", &out)
		}
		if note(strings.Repeat("<\n", 5000)) != 1 || out.Len() > 2000 {
			t.Errorf("%d bytes of log", out.Len())
		}
		time.Sleep(time.Hour)
		if note("evil.example") != 1 {
			t.Error("an hour later it is not logged")
		}
		lines := 0
		for i := range 10_000 {
			lines += note(fmt.Sprintf("%d.evil.example", i))
		}
		if lines != maxStrangers || len(s.seen) > maxStrangers { // the one above, 99 others, and that there are more
			t.Errorf("%d lines, %d names are remembered", lines, len(s.seen))
		}
		time.Sleep(time.Hour)
		if note("late.example") != 1 || len(s.seen) != 1 {
			t.Errorf("later %d names are remembered", len(s.seen))
		}
	})
}
