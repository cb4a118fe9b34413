package history

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/health"
)

func TestStates(t *testing.T) {
	for _, test := range []struct {
		state State
		word  string
	}{
		{Of(health.Unknown, false, false), "unknown"},
		{Of(health.Healthy, false, false), "healthy"},
		{Of(health.Degraded, false, false), "degraded"},
		{Of(health.Unhealthy, false, false), "unhealthy"},
		{Of(health.Unhealthy, false, true), "maintenance"},
		{Of(health.Unhealthy, true, false), "paused"},
		{Of(health.Healthy, true, true), "paused"},
		{NoData, "no_data"},
	} {
		if got := test.state.String(); got != test.word {
			t.Errorf("%#x is called %s, want %s", uint8(test.state), got, test.word)
		}
		if err := test.state.check(); err != nil {
			t.Error(err)
		}
	}
	if s := Of(health.Degraded, true, true); s.Verdict() != health.Degraded || !s.Has(Paused) || !s.Has(Maintenance) || s.Has(NoData) {
		t.Errorf("%#x", uint8(s))
	}
	for _, s := range []State{4, 0x40, NoData | 1, NoData | Paused, 0xff} {
		if s.check() == nil {
			t.Errorf("%#x passes for a state", uint8(s))
		}
	}
}

func TestReadHasNoHoles(t *testing.T) {
	s, c := opened(t, Options{})
	s.Note("a", at(0), Healthy)
	c.at = at(time.Hour)
	s.Note("a", at(10*time.Minute), Unhealthy)
	s.Note("a", at(12*time.Minute), Unhealthy) // the same again
	s.Note("a", at(20*time.Minute), Healthy|Maintenance)
	s.Note("a", at(30*time.Minute), NoData|Paused)
	s.Note("a", at(40*time.Minute), Healthy)

	want := []Interval{
		{at(-time.Hour), at(0), NoData},
		{at(0), at(10 * time.Minute), Healthy},
		{at(10 * time.Minute), at(20 * time.Minute), Unhealthy},
		{at(20 * time.Minute), at(30 * time.Minute), Healthy | Maintenance},
		{at(30 * time.Minute), at(40 * time.Minute), NoData},
		{at(40 * time.Minute), at(time.Hour), Healthy},
		{at(time.Hour), at(2 * time.Hour), NoData}, // is to come
	}
	if diff := cmp.Diff(want, s.Read("a", at(-time.Hour), at(2*time.Hour))); diff != "" {
		t.Error(diff)
	}
	want = []Interval{{at(5 * time.Minute), at(10 * time.Minute), Healthy}, {at(10 * time.Minute), at(15 * time.Minute), Unhealthy}}
	if diff := cmp.Diff(want, s.Read("a", at(5*time.Minute), at(15*time.Minute))); diff != "" {
		t.Error(diff)
	}
	for _, to := range []time.Time{at(0), at(-time.Second), {}} {
		if got := s.Read("a", at(0), to); len(got) > 0 {
			t.Errorf("to %s: %v", to, got)
		}
	}
	want = []Interval{{at(0), at(time.Minute), NoData}}
	if diff := cmp.Diff(want, s.Read("nobody", at(0), at(time.Minute))); diff != "" {
		t.Error(diff)
	}
	if got := s.Known(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("known: %q", got)
	}
	if all := s.Read("a", time.Time{}, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)); len(all) != 7 || !all[1].From.Equal(at(0)) {
		t.Errorf("of all times: %v", all)
	}
}

func TestSums(t *testing.T) {
	s, c := opened(t, Options{})
	c.at = at(100 * time.Second)
	for i, st := range []State{Unknown, Healthy, Degraded, Unhealthy, Unhealthy | Maintenance, Paused | Maintenance, Healthy, NoData} {
		s.Note("a", at(time.Duration(i*10)*time.Second), st)
	}
	got := s.Sum("a", at(0), at(100*time.Second))
	const d = 10 * time.Second
	want := Sums{Unknown: d, Healthy: 2 * d, Degraded: d, Unhealthy: d, Maintenance: d, Paused: d, NoData: 3 * d}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if share, known := got.Uptime(); share != 0.75 || !known {
		t.Errorf("uptime %v, %v", share, known)
	}
	if share, known := (Sums{Maintenance: d, NoData: d, Paused: d, Unknown: d}).Uptime(); share != 0 || known {
		t.Errorf("uptime of what is not known: %v, %v", share, known)
	}
}

func TestBucketsShowTheWorst(t *testing.T) {
	s, c := opened(t, Options{})
	c.at = at(80 * time.Second)
	for i, st := range []State{Healthy, Unhealthy, Healthy, Degraded, Unhealthy | Maintenance, Healthy, Paused, NoData} {
		s.Note("a", at(time.Duration(i*10)*time.Second), st)
	}
	var got []State
	for _, b := range s.Buckets("a", at(-20*time.Second), 20*time.Second, 6) {
		if b.To.Sub(b.From) != 20*time.Second || b.Sums.Total() != 20*time.Second {
			t.Errorf("%+v", b)
		}
		got = append(got, b.Worst)
	}
	if want := []State{NoData, Unhealthy, Degraded, Healthy, Paused, NoData}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for _, n := range []int{0, -1} {
		if got := s.Buckets("a", at(0), time.Second, n); len(got) > 0 {
			t.Errorf("%d buckets: %v", n, got)
		}
	}
	if got := s.Buckets("a", at(0), 0, 3); len(got) > 0 {
		t.Errorf("buckets without width: %v", got)
	}
	if got := s.Buckets("a", time.Time{}, 1<<62, 3); len(got) != 3 {
		t.Errorf("buckets of centuries: %v", got)
	}
	kept := s.AppendBuckets(make([]Bucket, 1, 8), "a", at(0), time.Second, 2)
	if len(kept) != 3 || kept[0] != (Bucket{}) || kept[1].Worst != Healthy {
		t.Errorf("appended: %+v", kept)
	}
}

// TestSumsAddUp tries random histories and ranges: the sums of parts are the sum of the
// whole, and so are those of buckets and of what Read gives.
func TestSumsAddUp(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	states := []State{Unknown, Healthy, Degraded, Unhealthy, Healthy | Maintenance, Paused, NoData}
	for range 2000 {
		s, c := opened(t, Options{})
		random := func(most time.Duration) time.Duration { return time.Duration(r.Int64N(int64(most))) }
		c.at = base.Add(random(100 * time.Hour))
		for range r.IntN(40) {
			s.Note("a", base.Add(random(110*time.Hour)-5*time.Hour), states[r.IntN(len(states))])
		}
		from := base.Add(random(50*time.Hour) - 25*time.Hour)
		width, n := 1+random(3*time.Hour), 1+r.IntN(60)
		to := from.Add(width * time.Duration(n))
		whole := s.Sum("a", from, to)
		if whole.Total() != to.Sub(from) {
			t.Fatalf("the sum of %s is %s", to.Sub(from), whole.Total())
		}
		middle := from.Add(random(to.Sub(from)))
		if parts := plus(s.Sum("a", from, middle), s.Sum("a", middle, to)); parts != whole {
			t.Fatalf("parts %+v, whole %+v", parts, whole)
		}
		var buckets, read Sums
		for _, b := range s.Buckets("a", from, width, n) {
			buckets = plus(buckets, b.Sums)
			if one := s.Sum("a", b.From, b.To); one != b.Sums {
				t.Fatalf("bucket %+v, sum %+v", b.Sums, one)
			}
			worst := NoData
			for _, i := range s.Read("a", b.From, b.To) {
				if i.State.kind() > worst.kind() {
					worst = i.State
				}
			}
			if worst.kind() != b.Worst.kind() {
				t.Fatalf("the worst of %v is %v", s.Read("a", b.From, b.To), b.Worst)
			}
		}
		at := from
		for i, one := range s.Read("a", from, to) {
			if !one.From.Equal(at) || !one.To.After(one.From) {
				t.Fatalf("interval %d: %+v, want it from %s", i, one, at)
			}
			read.add(one.State.kind(), one.To.Sub(one.From))
			at = one.To
		}
		if buckets != whole || read != whole || !at.Equal(to) {
			t.Fatalf("buckets %+v, read %+v, whole %+v", buckets, read, whole)
		}
	}
}

func plus(a, b Sums) Sums {
	return Sums{
		a.Healthy + b.Healthy, a.Degraded + b.Degraded, a.Unhealthy + b.Unhealthy, a.Unknown + b.Unknown,
		a.Maintenance + b.Maintenance, a.Paused + b.Paused, a.NoData + b.NoData,
	}
}

func TestLateNotesRewriteNothing(t *testing.T) {
	s, c := opened(t, Options{})
	s.Note("a", at(-time.Hour), Healthy) // before the store was opened
	c.at = at(time.Hour)
	s.Note("a", at(30*time.Minute), Unhealthy)
	s.Note("a", at(20*time.Minute), Degraded)
	want := []Interval{{at(0), at(30 * time.Minute), Healthy}, {at(30 * time.Minute), at(time.Hour), Degraded}}
	if diff := cmp.Diff(want, s.Read("a", at(0), at(time.Hour))); diff != "" {
		t.Error(diff)
	}
	s.Note("a", at(20*time.Minute), Healthy) // as if nothing had been
	want = []Interval{{at(0), at(time.Hour), Healthy}}
	if diff := cmp.Diff(want, s.Read("a", at(0), at(time.Hour))); diff != "" {
		t.Error(diff)
	}
	s.Note("a", at(100*time.Hour), Unhealthy) // in the future
	c.at = at(2 * time.Hour)
	want = append(want, Interval{at(time.Hour), at(2 * time.Hour), Unhealthy})
	if diff := cmp.Diff(want, s.Read("a", at(0), at(2*time.Hour))); diff != "" {
		t.Error(diff)
	}
	s.Note("b", at(0), NoData)
	s.Note("c", at(0), Healthy)
	s.Note("c", at(0), NoData)
	if got := s.Read("c", at(0), at(time.Hour)); len(got) != 1 || got[0].State != NoData {
		t.Errorf("c: %v", got)
	}
	if n := s.Forget(at(0)); n != 1 || !slices.Equal(s.Known(), []string{"a"}) {
		t.Errorf("%d forgotten, known %q", n, s.Known())
	}
}

func TestBounded(t *testing.T) {
	s, c := opened(t, Options{MaxPerSubject: 100, Keep: 24 * time.Hour})
	for i := range 1000 {
		c.at = at(time.Duration(i) * time.Second)
		s.Note("a", c.at, []State{Healthy, Unhealthy}[i%2])
		if n := s.Stats().Intervals; n > 100 || i > 200 && n < 90 {
			t.Fatalf("%d intervals after %d", n, i+1)
		}
	}
	if got := s.Sum("a", at(910*time.Second), at(920*time.Second)); got.Healthy != 5*time.Second || got.Unhealthy != 5*time.Second {
		t.Errorf("%+v", got)
	}
	c.at = at(24*time.Hour + 990*time.Second)
	s.Note("a", c.at, Healthy)
	s.tidy(c.at)
	if n := s.Stats().Intervals; n != 11 {
		t.Errorf("%d intervals kept, want 11", n)
	}
	s.Note("gone", c.at, Healthy)
	c.at = c.at.Add(time.Second)
	s.Note("gone", c.at, NoData)
	c.at = c.at.Add(29 * 24 * time.Hour)
	if s.tidy(c.at); len(s.Known()) != 2 {
		t.Errorf("known: %q", s.Known())
	}
	c.at = c.at.Add(2 * 24 * time.Hour)
	if s.tidy(c.at); !slices.Equal(s.Known(), []string{"a"}) {
		t.Errorf("known: %q", s.Known())
	}
	if got := s.Read("a", c.at.Add(-time.Hour), c.at); len(got) != 1 || got[0].State != Healthy {
		t.Errorf("the last state was dropped for its age: %v", got)
	}
}

func TestManyAtOnce(t *testing.T) {
	s, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	for i := range 4 {
		work.Go(func() {
			for n := range 500 {
				s.Note("a", time.Now(), State(n%4))
				s.Buckets("a", time.Now().Add(-time.Hour), time.Minute, 60)
				s.Read("a", time.Now().Add(-time.Hour), time.Now())
				s.Stats()
				if i == 0 {
					s.tidy(time.Now())
				}
			}
		})
	}
	work.Wait()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
