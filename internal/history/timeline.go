package history

import (
	"math"
	"sort"
)

// mark says which state a subject is in from a moment on: the moment in milliseconds
// since 1970, then 8 bits of state.
type mark int64

func newMark(milli int64, s State) mark { return mark(milli<<8 | int64(s)) }

func (m mark) milli() int64 { return int64(m >> 8) }
func (m mark) state() State { return State(m & 0xff) }

// timeline is the history of one subject. Marks follow each other in time, and each
// has another state than the one before; before the first there is no data, and the
// first has some. It is never rewritten: what arrives late counts from the last mark on.
type timeline struct {
	marks []mark
	// first is the number of marks[0]. Numbers go on from mark to mark and stay, so that
	// marks keep their places on disk when old ones are dropped.
	first uint64
}

// end is the number of the next mark.
func (t *timeline) end() uint64 { return t.first + uint64(len(t.marks)) }

// state is the state of the last mark.
func (t *timeline) state() State {
	if len(t.marks) == 0 {
		return NoData
	}
	return t.marks[len(t.marks)-1].state()
}

// lastMilli is when the last state began; the beginning of all times if there is none.
func (t *timeline) lastMilli() int64 {
	if len(t.marks) == 0 {
		return math.MinInt64
	}
	return t.marks[len(t.marks)-1].milli()
}

// add begins a state. If the time is not after the last mark it takes that one's place.
func (t *timeline) add(milli int64, s State) {
	if s == t.state() {
		return
	}
	n := len(t.marks)
	if n == 0 || milli > t.marks[n-1].milli() {
		t.marks = append(t.marks, newMark(milli, s))
		return
	}
	milli = t.marks[n-1].milli()
	t.marks = t.marks[:n-1]
	if s != t.state() {
		t.marks = append(t.marks, newMark(milli, s))
	}
}

// gap says that nothing is known of the time between, and that it is then as it was.
func (t *timeline) gap(from, to int64) {
	s, n := t.state(), len(t.marks)
	if s == NoData || t.marks[n-1].milli() >= to {
		return
	}
	t.add(from, NoData)
	t.add(to, s)
}

// cut drops what is after a moment; from then on it is in the state that was the last.
func (t *timeline) cut(milli int64) {
	s := t.state()
	t.marks = t.marks[:t.after(milli)]
	t.add(milli, s)
}

// after is the index of the first mark after a moment.
func (t *timeline) after(milli int64) int {
	bound := mark(milli<<8 | 0xff)
	return sort.Search(len(t.marks), func(i int) bool { return t.marks[i] > bound })
}

// trim drops the oldest marks: those without which the time from a moment on is still
// known, and those beyond the greatest number. It reports whether there were any.
func (t *timeline) trim(milli int64, most int) bool {
	drop := max(t.after(milli)-1, len(t.marks)-most, 0)
	if drop > 0 && t.marks[drop].state() == NoData {
		drop++
	}
	if drop == 0 {
		return false
	}
	t.first += uint64(drop)
	t.marks = append(make([]mark, 0, len(t.marks)-drop), t.marks[drop:]...)
	return true
}
