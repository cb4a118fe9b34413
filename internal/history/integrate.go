package history

import (
	"iter"
	"math"
	"time"
)

// Interval is a time in one state.
type Interval struct {
	From, To time.Time
	State    State
}

// Sums say how long it was in each state. A time counts once: as no data, else as
// paused, else as maintenance, else by its verdict.
type Sums struct {
	Healthy, Degraded, Unhealthy, Unknown, Maintenance, Paused, NoData time.Duration
}

// Uptime is the share of the time in which it worked, well or not, in that in which
// it is known whether it did: (healthy + degraded) / (healthy + degraded + unhealthy).
// It is not known if there was no such time.
func (s Sums) Uptime() (share float64, known bool) {
	up := s.Healthy + s.Degraded
	if up+s.Unhealthy <= 0 {
		return 0, false
	}
	return float64(up) / float64(up+s.Unhealthy), true
}

// Total is all of the time.
func (s Sums) Total() time.Duration {
	return s.Healthy + s.Degraded + s.Unhealthy + s.Unknown + s.Maintenance + s.Paused + s.NoData
}

func (s *Sums) add(k kind, d time.Duration) {
	switch k {
	case healthy:
		s.Healthy += d
	case degraded:
		s.Degraded += d
	case unhealthy:
		s.Unhealthy += d
	case unknown:
		s.Unknown += d
	case maintenance:
		s.Maintenance += d
	case paused:
		s.Paused += d
	default:
		s.NoData += d
	}
}

// Bucket is a time of fixed length. Worst is the worst state that occurred in it:
// unhealthy, degraded, unknown, healthy, maintenance, paused, no data.
type Bucket struct {
	From, To time.Time
	Worst    State
	Sums     Sums
}

// piece is an interval in nanoseconds since 1970.
type piece struct {
	from, to int64
	state    State
}

// pieces are the intervals of a range of time, without holes. From now on there is no
// data yet.
func (t *timeline) pieces(from, to, now int64) iter.Seq[piece] {
	return func(yield func(piece) bool) {
		i := t.after(floorMilli(from)) - 1 // the mark in force
		for at := from; at < to; i++ {
			p := piece{at, to, NoData}
			if at < now {
				if i >= 0 {
					p.state = t.marks[i].state()
				}
				if i+1 < len(t.marks) {
					p.to = min(p.to, t.marks[i+1].milli()*int64(time.Millisecond))
				}
				p.to = min(p.to, now)
			}
			if at = p.to; !yield(p) {
				return
			}
		}
	}
}

func (t *timeline) sum(from, to, now int64) (s Sums) {
	for p := range t.pieces(from, to, now) {
		s.add(p.state.kind(), time.Duration(p.to-p.from))
	}
	return s
}

// fill integrates over buckets that lie side by side, each of the same width.
func (t *timeline) fill(list []Bucket, from, width, now int64) {
	for p := range t.pieces(from, from+width*int64(len(list)), now) {
		k := p.state.kind()
		for i := (p.from - from) / width; p.from < p.to; i++ {
			b, end := &list[i], min(p.to, from+(i+1)*width)
			b.Sums.add(k, time.Duration(end-p.from))
			if k > b.Worst.kind() {
				b.Worst = p.state
			}
			p.from = end
		}
	}
}

func floorMilli(nano int64) int64 {
	milli := nano / int64(time.Millisecond)
	if nano < 0 && nano%int64(time.Millisecond) != 0 {
		milli--
	}
	return milli
}

var (
	earliest = time.Unix(0, math.MinInt64/2).UTC()
	latest   = time.Unix(0, math.MaxInt64/2).UTC()
)

// within is the moment, or of those that are centuries away the nearest that can be
// counted with.
func within(t time.Time) time.Time {
	switch {
	case t.Before(earliest):
		return earliest
	case t.After(latest):
		return latest
	}
	return t
}

// nano is a moment in nanoseconds since 1970.
func nano(t time.Time) int64 { return within(t).UnixNano() }
