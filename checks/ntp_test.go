package checks_test

import (
	"encoding/binary"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/checks"
	"github.com/health-exporter/health_exporter/health"
)

// timeServer answers queries, with a clock that is ahead. Its answers can be
// changed before they are sent.
func timeServer(t *testing.T, ahead time.Duration, change func([]byte) []byte) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-done })
	go func() {
		defer close(done)
		query := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(query)
			if err != nil {
				return
			}
			if n != 48 || query[0] != 4<<3|3 {
				continue
			}
			answer := make([]byte, 48)
			answer[0], answer[1] = 4<<3|4, 2
			copy(answer[24:32], query[40:48])
			now := time.Now().Add(ahead)
			for _, at := range []int{32, 40} {
				binary.BigEndian.PutUint32(answer[at:], uint32(now.Unix()+2_208_988_800))
				binary.BigEndian.PutUint32(answer[at+4:], uint32(uint64(now.Nanosecond())<<32/1e9))
			}
			if change != nil {
				answer = change(answer)
			}
			_, _ = conn.WriteTo(answer, from) // the client may have gone
		}
	}()
	return conn.LocalAddr().String()
}

func TestNTP(t *testing.T) {
	right, fast := timeServer(t, 0, nil), timeServer(t, time.Hour, nil)
	slow := timeServer(t, -30*time.Second, nil)
	unsynchronized := timeServer(t, 0, func(b []byte) []byte { b[0] |= 3 << 6; return b })
	refuses := timeServer(t, 0, func(b []byte) []byte { b[1] = 0; copy(b[12:], "RATE"); return b })
	client := timeServer(t, 0, func(b []byte) []byte { b[0] = 4<<3 | 3; return b })
	forged := timeServer(t, 0, func(b []byte) []byte { b[24]++; return b })
	short := timeServer(t, 0, func(b []byte) []byte { return b[:47] })
	tests := []struct {
		name    string
		servers []string
		max     time.Duration
		outcome health.Outcome
		output  string
	}{
		{"right", []string{right}, 0, health.Pass, "from 1 of 1 time servers"},
		{"fast", []string{fast}, 0, health.Fail, "the clock differs by 59m59."},
		{"median", []string{fast, right, slow}, 0, health.Pass, "from 3 of 3 time servers"},
		{"two", []string{slow, right}, 0, health.Fail, "the clock differs by -1"},
		{"limit", []string{slow}, time.Minute, health.Pass, "the clock differs by -"},
		{"unsynchronized", []string{unsynchronized}, 0, health.Fail, "own clock is not synchronized"},
		{"refuses", []string{refuses}, 0, health.Fail, `the server refuses: "RATE"`},
		{"not a server", []string{client}, 0, health.Fail, "the answer is of mode 3"},
		{"forged", []string{forged}, 0, health.Fail, "deadline exceeded"},
		{"short", []string{short}, 0, health.Fail, "deadline exceeded"},
		{"one hangs", []string{forged, right}, 0, health.Pass, "from 1 of 2 time servers"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := runWithin(t, time.Second, checks.NTP{Servers: tt.servers, MaxOffset: tt.max}.Run)
			output, _ := got.Output.(string)
			// An hour is 1h0m0.0…s or 59m59.9…s, by how long the answer took.
			output = strings.Replace(output, "by 1h0m0.", "by 59m59.", 1)
			if got.Outcome != tt.outcome || !strings.Contains(output, tt.output) {
				t.Errorf("got %s %q\nwant %s %q", got.Outcome, output, tt.outcome, tt.output)
			}
		})
	}
}
