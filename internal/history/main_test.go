package history

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// base is a moment with a fraction of a millisecond.
var base = time.Date(2026, 3, 1, 12, 0, 0, 123_456_789, time.UTC)

// fakeClock is a wall clock that can be set.
type fakeClock struct{ at time.Time }

func (c *fakeClock) now() time.Time { return c.at }

// opened is a store whose clock stands at base.
func opened(t *testing.T, o Options) (*Store, *fakeClock) {
	t.Helper()
	c := &fakeClock{base}
	s, err := OpenAt(o, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func at(d time.Duration) time.Time { return base.Truncate(time.Millisecond).Add(d) }
