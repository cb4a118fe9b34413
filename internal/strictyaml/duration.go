package strictyaml

import (
	"fmt"
	"time"

	"github.com/prometheus/common/model"
)

// duration is written as Prometheus writes durations (30s, 1h30m, 1d), or as Go
// does (1.5s, 500ms). Only 0 needs no unit.
type duration time.Duration

// UnmarshalText reads a duration.
func (d *duration) UnmarshalText(text []byte) error {
	if long, err := model.ParseDuration(string(text)); err == nil {
		*d = duration(long)
		return nil
	}
	short, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a valid duration; write a number and a unit, such as 30s, 500ms, 5m or 1h", text)
	}
	*d = duration(short)
	return nil
}
