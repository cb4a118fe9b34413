package checks

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// NTP fails if the clock differs too much from that of time servers (SNTP, RFC
// 4330). Of the servers that answer the median counts, so that with three of them
// one may be wrong.
type NTP struct {
	// Servers are asked concurrently: host, or host:port for a port other than
	// 123. At least one.
	Servers []string `yaml:"servers"`
	// MaxOffset is the most the clock may differ; default 1 second.
	MaxOffset time.Duration `yaml:"max_offset"`
}

// Check reports what is wrong with the options.
func (n NTP) Check() error {
	faults := []error{
		require(len(n.Servers) > 0, "Servers", "", "a list of one server at least"),
		require(n.MaxOffset >= 0, "MaxOffset", n.MaxOffset, "0 for the default, or more"),
	}
	for i, server := range n.Servers {
		faults = append(faults, require(server != "", fmt.Sprintf("Servers[%d]", i), server, "host or host:port"))
	}
	return errors.Join(faults...)
}

// Run asks all servers once, concurrently. ctx should have a deadline: it
// is what bounds the wait for a server that does not answer.
func (n NTP) Run(ctx context.Context) error {
	if err := n.Check(); err != nil {
		return err
	}
	offsets, faults := n.ask(ctx)
	if len(offsets) == 0 {
		return fmt.Errorf("asking time servers: %w", errors.Join(faults...))
	}
	slices.Sort(offsets)
	offset := offsets[len(offsets)/2]
	if len(offsets)%2 == 0 {
		offset = (offset + offsets[len(offsets)/2-1]) / 2
	}
	health.Observe(ctx, "offset", offset.Seconds(), "seconds")
	health.Observe(ctx, "servers", len(offsets), "servers")
	text := fmt.Sprintf("the clock differs by %s from %d of %d time servers", offset, len(offsets), len(n.Servers))
	if offset.Abs() > cmp.Or(n.MaxOffset, time.Second) {
		return errors.New(text)
	}
	health.Say(ctx, text)
	return nil
}

// ask waits for all servers, at most three quarters of the time that ctx has: the
// answers of the others count even if one server does not answer.
func (n NTP) ask(ctx context.Context) (offsets []time.Duration, faults []error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)*3/4)
		defer cancel()
	}
	var mu sync.Mutex // guards what is returned
	var wait sync.WaitGroup
	for _, server := range n.Servers {
		wait.Go(func() {
			offset, err := askTime(ctx, server)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				faults = append(faults, fmt.Errorf("%s: %w", server, err))
				return
			}
			offsets = append(offsets, offset)
		})
	}
	wait.Wait()
	return offsets, faults
}

// askTime asks one server how much its clock is ahead of ours.
func askTime(ctx context.Context, server string) (time.Duration, error) {
	if _, _, err := net.SplitHostPort(server); err != nil {
		server = net.JoinHostPort(strings.Trim(server, "[]"), "123")
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", server)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	// Version 4, mode client. Instead of our time we send a random number, which reveals
	// nothing about our clock and which a forger of answers cannot guess.
	query := [48]byte{0: 4<<3 | 3}
	_, _ = rand.Read(query[40:]) // it never fails
	sent := time.Now()
	if _, err := conn.Write(query[:]); err != nil {
		return 0, err
	}
	for {
		var answer [512]byte
		n, err := conn.Read(answer[:])
		if err != nil {
			return 0, cmp.Or(context.Cause(ctx), err)
		}
		received := sent.Add(time.Since(sent))
		if n >= 48 && string(answer[24:32]) == string(query[40:]) {
			return readTime(answer[:n], sent, received)
		}
	}
}

// readTime reads an answer of 48 bytes at least.
func readTime(answer []byte, sent, received time.Time) (time.Duration, error) {
	leap, mode, stratum := answer[0]>>6, answer[0]&7, answer[1]
	switch {
	case mode != 4:
		return 0, fmt.Errorf("the answer is of mode %d, not of a server", mode)
	case stratum == 0:
		return 0, fmt.Errorf("the server refuses: %q", answer[12:16])
	case leap == 3 || stratum > 15:
		return 0, errors.New("the server's own clock is not synchronized")
	}
	took, gave := ntpTime(answer[32:]), ntpTime(answer[40:])
	return (took.Sub(sent) + gave.Sub(received)) / 2, nil
}

// ntpTime reads a time stamp: seconds since 1900 and 2^32ths of them. What would be
// before 1968 is after 2036, where the seconds start again at 0.
func ntpTime(b []byte) time.Time {
	const from1900to1970 = 2_208_988_800
	seconds := int64(binary.BigEndian.Uint32(b))
	if seconds < 1<<31 {
		seconds += 1 << 32
	}
	nanos := uint64(binary.BigEndian.Uint32(b[4:])) * 1e9 >> 32
	return time.Unix(seconds-from1900to1970, int64(nanos))
}
