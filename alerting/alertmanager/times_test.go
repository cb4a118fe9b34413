package alertmanager

import (
	"testing"
	"time"
)

// TestTimes: the defaults are as documented, and an end is told for longer than a
// recovery is shown.
func TestTimes(t *testing.T) {
	p := new(Pusher)
	for name, pair := range map[string][2]time.Duration{
		"Resend":    {p.resend(), time.Minute},
		"retention": {p.retention(), 15 * time.Minute},
		"timeout":   {p.timeout(), 10 * time.Second},
		"gap":       {p.gap(), time.Second},
		"farewell":  {p.farewell(), 3 * time.Second},
		"absence":   {p.absence(), time.Hour},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %v, want %v", name, pair[0], pair[1])
		}
	}
	if p.retention() <= toldFor {
		t.Errorf("an end is told for %v, and news of it for %v", p.retention(), toldFor)
	}
}
