package history

import "time"

const (
	// jump is by how much the wall clock may go on more than time does before the
	// time between counts as not lived: the clock was set, or the machine slept.
	jump = 10 * time.Second
	// trust is after how long a clock is believed that says something strange. Until then
	// nothing is dropped for being too old, or for lying ahead of now.
	trust = time.Hour
)

// clock compares the wall clock with the time that really goes by.
type clock struct {
	last   time.Time // with both readings
	steady time.Duration
}

// look returns how far the clock was set forward since the last look, or back if less
// than 0, and what it said then. Small differences are none.
func (c *clock) look(now time.Time) (was time.Time, set time.Duration) {
	was = c.last.Round(0) // without what tells how time really goes by
	real := now.Sub(c.last)
	c.last = now
	return was, c.step(now.Round(0).Sub(was), real)
}

// step is look, of how far the clock has gone and how much time went by.
func (c *clock) step(wall, real time.Duration) (set time.Duration) {
	if set = wall - real; set.Abs() >= jump {
		c.steady = 0
		return set
	}
	c.steady += real
	return 0
}

// trusted reports whether the clock was not set for a while.
func (c *clock) trusted() bool { return c.steady >= trust }

// slept says that of the time between nothing is known.
func (s *Store) slept(from, to time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for subject, t := range s.subjects {
		s.touch(subject, t)
		t.gap(milli(from), milli(to))
	}
	s.since = max(s.since, milli(to))
}

// tidy drops what is too old, and what lies ahead of now, which was noted when the
// clock was wrong. But a clock that says it is earlier than anything known is wrong.
func (s *Store) tidy(now time.Time) {
	s.Forget(now.Add(-forgetAfter))
	s.boundGone()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.since = min(s.since, milli(now))
	sane := false
	for _, t := range s.subjects {
		sane = sane || len(t.marks) > 0 && t.marks[0].milli() <= milli(now)
	}
	for subject, t := range s.subjects {
		if n := len(t.marks); sane && n > 0 && t.marks[n-1].milli() > milli(now) {
			s.dirty[subject] = 0
			t.cut(milli(now))
		}
		if t.trim(milli(now.Add(-s.keep)), s.most) {
			s.touch(subject, t)
		}
	}
}
