package prober

import (
	"errors"
	"fmt"
	"time"
)

// icmpProbe sends echo requests ("ping"). Its keys, defaults and metrics are
// those of blackbox_exporter, and more for several packets.
type icmpProbe struct {
	Outbound `yaml:",inline"`

	// PayloadSize is how many bytes a packet carries; 0 means 28.
	PayloadSize int `yaml:"payload_size"`
	// DontFragment forbids routers to split an IPv4 packet; with IPv6 they never do.
	DontFragment bool `yaml:"dont_fragment"`
	// TTL is the number of hops a packet may make; 0 leaves it to the system.
	TTL int `yaml:"ttl"`

	// Count is how many packets to send, Interval apart.
	Count    int           `yaml:"count"`
	Interval time.Duration `yaml:"interval"`
	// MaxLoss is the part of the packets that may get lost, below 1.
	MaxLoss float64 `yaml:"max_loss"`

	// made by validate
	dialer *dialer
	pinger *pinger
	// useless is an option that cannot work. blackbox_exporter finds it in the
	// probe; so it is not a fault but a warning.
	useless *FieldError
}

// newICMPProbe has the defaults of blackbox_exporter.
func newICMPProbe() spec {
	return &icmpProbe{
		Outbound: Outbound{IPProtocolFallback: true},
		TTL:      64,
		Count:    1,
		Interval: 200 * time.Millisecond,
	}
}

// Limits of the options. A packet of IPv4 has 65535 bytes, its header 20 and
// that of ICMP 8.
const (
	maxICMPPayload  = 65535 - 20 - 8
	maxICMPCount    = 1000
	minICMPInterval = time.Millisecond
)

// validate checks and completes the configuration.
func (p *icmpProbe) validate() error {
	d, faults := p.newDialer()
	fault := func(path, format string, args ...any) {
		faults = append(faults, &FieldError{path, fmt.Sprintf(format, args...)})
	}
	if p.PayloadSize < 0 || p.PayloadSize > maxICMPPayload {
		p.useless = &FieldError{"payload_size", fmt.Sprintf("must be from 0 to %d, not %d", maxICMPPayload, p.PayloadSize)}
	}
	if p.TTL < 0 || p.TTL > 255 {
		fault("ttl", "must be from 0 to 255, not %d", p.TTL)
	}
	if p.Count < 1 || p.Count > maxICMPCount {
		fault("count", "must be from 1 to %d, not %d", maxICMPCount, p.Count)
	}
	if p.Interval < minICMPInterval {
		fault("interval", "must be at least %s, not %s", minICMPInterval, p.Interval)
	}
	if !(p.MaxLoss >= 0 && p.MaxLoss < 1) {
		fault("max_loss", "must be from 0 to below 1, not %g", p.MaxLoss)
	}
	if p.DontFragment && !canForbidFragments {
		fault("dont_fragment", "is not supported on this system")
	}
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	p.dialer = d
	p.pinger = &pinger{source: d.source, ttl: p.TTL, dontFragment: p.DontFragment, payload: p.PayloadSize}
	return nil
}

// warnings are the options that cannot work, or not as they look.
func (p *icmpProbe) warnings() []error {
	list := p.Outbound.warnings()
	if p.useless != nil {
		list = append(list, p.useless)
	}
	return list
}
