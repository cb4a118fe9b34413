package history

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkOverview is what a page of 10 000 subjects asks: of each half an hour of the
// last day the worst state, and the sums of a day and of 30.
func BenchmarkOverview(b *testing.B) {
	const subjects = 10_000
	c := &fakeClock{base}
	s, err := OpenAt(Options{}, c.now)
	if err != nil {
		b.Fatal(err)
	}
	names := make([]string, subjects)
	for i := range names {
		names[i] = fmt.Sprintf("target-%05d", i)
	}
	const apart = 20 * time.Hour
	for i := range 48 {
		c.at = base.Add(time.Duration(i) * apart)
		for _, name := range names {
			s.Note(name, c.at, []State{Healthy, Degraded, Unhealthy}[i%3])
		}
	}
	c.at = c.at.Add(time.Hour)
	now := c.at
	var buckets []Bucket
	b.ReportAllocs()
	for b.Loop() {
		for _, name := range names {
			buckets = s.AppendBuckets(buckets[:0], name, now.Add(-24*time.Hour), 30*time.Minute, 48)
			s.Sum(name, now.Add(-24*time.Hour), now)
			s.Sum(name, now.Add(-30*24*time.Hour), now)
		}
	}
	if buckets[47].Worst != Unhealthy {
		b.Errorf("%+v", buckets[47])
	}
}
