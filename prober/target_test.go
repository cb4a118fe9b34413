package prober

import (
	"testing"
	"time"
)

// A target of which nothing but name and place is known is a valid registration.
func TestNewTarget(t *testing.T) {
	made := NewTarget()
	if made.Interval != 30*time.Second || made.Timeout != 5*time.Second || made.Unhealthy != 2 || made.Healthy != 10 || made.FastStart {
		t.Errorf("%+v", made)
	}
	if made.Module != "" || made.ModuleName() != "health" {
		t.Errorf("module %q is called %q", made.Module, made.ModuleName())
	}
	made.App, made.URL = "a", "http://a"
	kindOf := func(string) (Kind, bool) { return "health", true }
	for _, limits := range []Limits{RegistrationLimits(), FileLimits()} {
		if faults := made.Validate(limits, kindOf); len(faults) > 0 {
			t.Errorf("%v", faults)
		}
	}
}
