package registration

import "testing"

// TestWholeNumbers: to JSON 30 and 30.0 are one number, and some languages write the second.
func TestWholeNumbers(t *testing.T) {
	for body, want := range map[string]bool{
		`{"interval": 30.0, "unhealthy": 2.0, "healthy": 3.00, "ttl": 600.0}`: true,
		`{"interval": 30, "unhealthy": 2}`:                                    true,
		`{"interval": 30.5}`:                                                  false,
		`{"unhealthy": 2.5}`:                                                  false,
		`{"unhealthy": 2e0}`:                                                  false,
		`{"unhealthy": 99999999999999999999.0}`:                               false,
		`{"unhealthy": "2.0"}`:                                                false,
		`{"unhealthy": 2.}`:                                                   false,
	} {
		r, faults, err := Parse([]byte(body))
		if err == nil {
			_, more := Target(&r)
			faults = append(faults, more...)
		}
		if got := err == nil && len(faults) == 0; got != want {
			t.Errorf("%s: accepted %v, want %v: %v %v", body, got, want, faults, err)
		}
		if want && (*r.Unhealthy != 2 || r.Interval.Duration().Seconds() != 30) {
			t.Errorf("%s: %d, %s", body, *r.Unhealthy, r.Interval.Duration())
		}
	}
}
