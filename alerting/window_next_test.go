package alerting

import (
	"testing"
	"time"
)

// TestNextOfAWindow: at no moment before the next one is it other than now.
func TestNextOfAWindow(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	howe, err := time.LoadLocation("Australia/Lord_Howe")
	if err != nil {
		t.Fatal(err)
	}
	spring, autumn := time.Date(2026, 3, 28, 12, 0, 0, 0, berlin), time.Date(2026, 10, 24, 12, 0, 0, 0, berlin)
	hour := func(h float64) time.Duration { return time.Duration(h * float64(time.Hour)) }
	windows := map[string]Window{
		"once":         {Start: spring.Add(hour(3.01)), End: spring.Add(hour(17.3))},
		"over":         {Start: spring.Add(-hour(5)), End: spring.Add(-hour(4))},
		"by night":     {Weekly: &Weekly{From: hour(22.1), To: hour(5.2), Location: berlin}},
		"twice":        {Weekly: &Weekly{From: hour(1.5), To: hour(2.25), Location: berlin}},
		"in the gap":   {Weekly: &Weekly{From: hour(2.1), To: hour(2.9), Location: berlin}},
		"on sundays":   {Weekly: &Weekly{Days: []time.Weekday{time.Sunday}, From: 0, To: hour(24), Location: berlin}},
		"by UTC":       {Weekly: &Weekly{From: hour(23.75), To: hour(0.25)}},
		"half an hour": {Weekly: &Weekly{From: hour(1.4), To: hour(1.9), Location: howe}},
	}
	for name, w := range windows {
		for _, from := range []time.Time{spring, autumn, time.Date(2026, 4, 4, 0, 0, 0, 0, howe), time.Date(2026, 10, 3, 0, 0, 0, 0, howe)} {
			next := w.Next(from)
			open := w.Open(from)
			for now := from; now.Before(from.Add(48 * time.Hour)); now = now.Add(time.Minute) {
				if !next.IsZero() && !now.Before(next) {
					open, next = w.Open(now), w.Next(now)
				}
				if w.Open(now) != open {
					t.Fatalf("%s: open is %v at %v, and the next look is at %v", name, !open, now, next)
				}
				if !next.IsZero() && !next.After(now) {
					t.Fatalf("%s: at %v the next is %v", name, now, next)
				}
			}
		}
	}
}
