package history

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestClockLook(t *testing.T) {
	start := time.Now() // with a monotonic reading
	c := clock{last: start}
	for _, after := range []time.Duration{5 * time.Second, 7 * time.Minute, 2 * time.Hour} { // busy, but not asleep
		before := c.last
		if was, set := c.look(start.Add(after)); set != 0 || !was.Equal(before) {
			t.Errorf("after %s: was %s, set by %s", after, was, set)
		}
	}
	if !c.trusted() {
		t.Error("not trusted after two hours")
	}
	const tick = 5 * time.Second
	for _, test := range []struct {
		wall, want time.Duration
	}{
		{tick, 0}, {tick + time.Second, 0}, {tick - time.Second, 0}, // slewed
		{tick + time.Hour, time.Hour}, {tick - time.Hour, -time.Hour}, {tick + jump, jump},
	} {
		c.steady = 2 * trust
		if set := c.step(test.wall, tick); set != test.want || c.trusted() != (set == 0) {
			t.Errorf("%s in %s: set by %s, trusted %v", test.wall, tick, set, c.trusted())
		}
	}
}

// TestSetForward: nobody was there in the time that the clock left out, be it that it
// was set or that the machine slept.
func TestSetForward(t *testing.T) {
	s, c := opened(t, Options{})
	s.Note("a", at(0), Healthy)
	s.Note("gone", at(0), NoData)
	c.at = at(10 * time.Hour)
	s.slept(at(time.Hour), at(9*time.Hour))
	s.Note("new", at(2*time.Hour), Unhealthy)
	want := []Interval{
		{at(0), at(time.Hour), Healthy},
		{at(time.Hour), at(9 * time.Hour), NoData},
		{at(9 * time.Hour), at(10 * time.Hour), Healthy},
	}
	if diff := cmp.Diff(want, s.Read("a", at(0), at(10*time.Hour))); diff != "" {
		t.Error(diff)
	}
	want = []Interval{{at(0), at(9 * time.Hour), NoData}, {at(9 * time.Hour), at(10 * time.Hour), Unhealthy}}
	if diff := cmp.Diff(want, s.Read("new", at(0), at(10*time.Hour))); diff != "" {
		t.Error(diff)
	}
}

// TestSetBack: an hour that comes twice keeps what was noted first, and the history goes
// on after it with the state of then.
func TestSetBack(t *testing.T) {
	s, c := opened(t, Options{})
	s.Note("a", at(0), Healthy)
	c.at = at(2 * time.Hour)
	s.Note("a", at(90*time.Minute), Unhealthy)
	c.at = at(time.Hour)
	s.Note("a", at(time.Hour), Degraded)
	s.Note("b", at(time.Hour), Healthy)
	if got := s.Read("a", at(0), at(3*time.Hour)); len(got) != 2 || got[0].State != Healthy || got[1].State != NoData {
		t.Errorf("while the clock is behind: %v", got)
	}
	c.at = at(3 * time.Hour)
	want := []Interval{{at(0), at(90 * time.Minute), Healthy}, {at(90 * time.Minute), at(3 * time.Hour), Degraded}}
	if diff := cmp.Diff(want, s.Read("a", at(0), at(3*time.Hour))); diff != "" {
		t.Error(diff)
	}
	if got := s.Sum("b", at(0), at(3*time.Hour)).Healthy; got != 2*time.Hour {
		t.Errorf("b was healthy for %s", got)
	}
}

// TestClockWasAhead: what was noted when the clock was years ahead does not stop the
// history until then.
func TestClockWasAhead(t *testing.T) {
	s, c := opened(t, Options{})
	s.Note("a", at(0), Healthy)
	c.at = at(50_000 * time.Hour)
	s.slept(at(time.Hour), c.at)
	s.Note("a", c.at, Unhealthy)
	c.at = at(2 * time.Hour)
	s.tidy(c.at)
	s.Note("a", at(3*time.Hour), Degraded)
	c.at = at(4 * time.Hour)
	s.Note("a", at(3*time.Hour), Degraded)
	want := []Interval{
		{at(0), at(time.Hour), Healthy},
		{at(time.Hour), at(2 * time.Hour), NoData},
		{at(2 * time.Hour), at(4 * time.Hour), Degraded},
	}
	if diff := cmp.Diff(want, s.Read("a", at(0), at(4*time.Hour))); diff != "" {
		t.Error(diff)
	}
}

// TestClockIsBehind: a machine that thinks it is 1970 does not lose its history, and
// the time until it knows better is not known.
func TestClockIsBehind(t *testing.T) {
	s, c := opened(t, Options{})
	s.Note("a", at(0), Healthy)
	c.at = at(time.Hour)
	s.Note("a", c.at, NoData) // as after a restart
	c.at = time.Unix(100, 0)
	s.since = milli(c.at)
	s.Note("a", c.at, Unhealthy)
	s.tidy(c.at)
	c.at = at(5 * time.Hour)
	s.slept(time.Unix(200, 0), c.at)
	c.at = at(6 * time.Hour)
	want := []Interval{
		{at(0), at(time.Hour), Healthy},
		{at(time.Hour), at(5 * time.Hour), NoData},
		{at(5 * time.Hour), at(6 * time.Hour), Unhealthy},
	}
	if diff := cmp.Diff(want, s.Read("a", at(0), at(6*time.Hour))); diff != "" {
		t.Error(diff)
	}
}
