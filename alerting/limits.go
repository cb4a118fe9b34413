package alerting

import "time"

// Flapping is becoming healthy, or ceasing to be so, this often within that time.
// These figures and StalledAfter are those of the shipped rules, and every way of
// telling uses them.
const (
	FlappingCrossings = 6
	FlappingWindow    = 15 * time.Minute
)

// StalledAfter is how long a subject is not probed before that is told.
const StalledAfter = 6 * time.Minute
