package alerting

import (
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// Flapping is becoming healthy, or ceasing to be so, this often within that time.
// These figures and StalledAfter are those of the shipped rules, and every way of
// telling uses them.
const (
	FlappingCrossings = 6
	FlappingWindow    = 15 * time.Minute
)

// StalledAfter is how long a subject is not probed before that is reported.
const StalledAfter = 6 * time.Minute

// NotProbedAfter is how old the last probe of a subject may be that is probed every so
// often, before the subject counts as not being probed.
func NotProbedAfter(interval time.Duration) time.Duration { return max(StalledAfter, 2*interval) }

// StalledSince is since when the subject is not being probed although it should be,
// zero if it is; before is what it was at the last look.
func StalledSince(s *Subject, before, now time.Time) time.Time {
	switch {
	case !s.Stalled || s.State != health.Unknown || s.Paused:
		return time.Time{}
	case before.IsZero():
		return now
	}
	return before
}

// Bad reports whether a state is bad news. UNKNOWN is only when it lasts.
func Bad(v health.Verdict) bool { return v == health.Degraded || v == health.Unhealthy }

// Down reports whether the subject does not work, so that what depends on it cannot
// either. Who only warns works; of who is paused nobody knows.
func Down(s *Subject) bool {
	return !s.Paused && (s.State == health.Unhealthy || s.State == health.Degraded && !s.OnlyWarns)
}
