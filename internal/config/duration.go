package config

import (
	"fmt"
	"time"

	"github.com/prometheus/common/model"
)

// Duration is written as Prometheus writes durations (30s, 1h30m, 1d), or as Go
// does (1.5s, 500ms). Only 0 needs no unit.
type Duration time.Duration

// UnmarshalText reads a duration.
func (d *Duration) UnmarshalText(text []byte) error {
	if long, err := model.ParseDuration(string(text)); err == nil {
		*d = Duration(long)
		return nil
	}
	short, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is no duration; write a number and a unit, such as 30s, 500ms, 5m or 1h", text)
	}
	*d = Duration(short)
	return nil
}
