package config

import (
	"time"

	"github.com/health-exporter/health_exporter/checks"
)

// heartbeatCheck waits for beats over HTTP.
type heartbeatCheck struct {
	Every time.Duration `yaml:"every"`
	Grace time.Duration `yaml:"grace"`
}

func (c *heartbeatCheck) heartbeat() (*checks.Heartbeat, error) {
	return checks.NewHeartbeat(c.Every, c.Grace, time.Time{})
}

func (c *heartbeatCheck) check() error {
	_, err := c.heartbeat()
	return err
}

func (c *heartbeatCheck) open(OtherCheck) (OpenCheck, error) {
	h, err := c.heartbeat()
	if err != nil {
		return OpenCheck{}, err
	}
	return OpenCheck{Run: h.Run, Heartbeat: h}, nil
}
