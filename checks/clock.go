package checks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// Clock fails if nothing synchronizes the machine's clock: the kernel knows whether
// a time service (chrony, systemd-timesyncd, ntpd, the hypervisor's agent) does. It
// needs no privilege and works on Linux; NTP asks others for the time.
type Clock struct {
	// MaxError is the most the clock may be wrong, as the kernel estimates it; 0 leaves
	// that to the kernel, which gives up at 16 seconds.
	MaxError time.Duration `yaml:"max_error"`
}

// clockStatus is what the kernel thinks of its clock.
type clockStatus struct {
	synchronized     bool
	maxError, offset time.Duration
}

// Check reports what is wrong with the options.
func (c Clock) Check() error {
	return require(c.MaxError >= 0, "MaxError", c.MaxError, "0 for no limit of its own, or more")
}

// Run asks the kernel once.
func (c Clock) Run(ctx context.Context) error {
	if err := c.Check(); err != nil {
		return err
	}
	status, err := readClock()
	if err != nil {
		return fmt.Errorf("reading the state of the clock: %w", err)
	}
	return c.judge(ctx, status)
}

func (c Clock) judge(ctx context.Context, s clockStatus) error {
	health.Observe(ctx, "maxError", s.maxError.Seconds(), "seconds")
	health.Observe(ctx, "offset", s.offset.Seconds(), "seconds")
	switch {
	case !s.synchronized:
		return errors.New("the clock is not synchronized")
	case c.MaxError > 0 && s.maxError > c.MaxError:
		return fmt.Errorf("the clock may be wrong by %s, more than %s", s.maxError, c.MaxError)
	}
	health.Say(ctx, fmt.Sprintf("the clock is synchronized, wrong by at most %s", s.maxError))
	return nil
}
