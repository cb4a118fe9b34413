package history

import (
	"log/slog"
	"maps"
	"math"
	"slices"
	"sync"
	"time"
)

// Options configure a Store. The zero value is valid, and keeps everything in memory.
type Options struct {
	// Path is the storage directory, which must exist; empty for memory only.
	Path string
	// Log receives what goes wrong with the disk. nil discards.
	Log *slog.Logger
	// Keep is how long intervals are kept; default 365 days.
	Keep time.Duration
	// MaxPerSubject bounds the intervals of one subject, of which the oldest are dropped;
	// default 20 000, at least 16.
	MaxPerSubject int
}

// Defaults of Options.
const (
	DefaultKeep          = 365 * 24 * time.Hour
	DefaultMaxPerSubject = 20_000
)

// forgetAfter is how long a subject is kept after its end.
const forgetAfter = 30 * 24 * time.Hour

// Store has the histories of all subjects. Its methods may be called at any time from
// any goroutine, and none but Open, Run and Close waits for the disk.
type Store struct {
	// Immutable.
	log  *slog.Logger
	keep time.Duration
	most int
	now  func() time.Time

	taking  sync.Mutex // held while events are taken, and while it is read what to write
	writing sync.Mutex // protects disk
	disk    *disk      // nil for memory only

	mu       sync.RWMutex // protects all following fields
	subjects map[string]*timeline
	cursor   cursor
	moved    bool                // cursor is not on disk
	lived    int64               // when the exporter was last alive before this start
	replaced map[string]mark     // what began just then, of which nothing is seen but for CatchUp
	since    int64               // from when on this store may know anything
	dirty    map[string]uint64   // the number of the first mark of each that is not on disk
	gone     map[string]struct{} // the subjects of which Note has said that they are no more
	stats    Stats
}

// Stats are the store's own figures.
type Stats struct {
	// Subjects and Intervals are those in memory, times without data between others too.
	Subjects, Intervals int
	// Bytes is the size of the file; 0 if there is none.
	Bytes int64
	// LastWrite is when it was last written.
	LastWrite time.Time
	// Errors counts the attempts to write that failed.
	Errors uint64
	// Problem is why the last attempt failed; empty if it did not.
	Problem string
	// Recovered says that the file was damaged at start, and only what was sound in it,
	// which may be nothing, is known. Damage says what was wrong.
	Recovered bool
	Damage    string
}

// Open reads what is stored. Close must follow.
func Open(o Options) (*Store, error) { return OpenAt(o, time.Now) }

// OpenAt is Open with another clock, for tests that need a past.
func OpenAt(o Options, now func() time.Time) (*Store, error) {
	s := newStore(o, now)
	if o.Path == "" {
		return s, nil
	}
	s.disk = &disk{dir: o.Path}
	return s, s.load()
}

func newStore(o Options, now func() time.Time) *Store {
	s := &Store{
		log: o.Log, keep: o.Keep, most: o.MaxPerSubject, now: now,
		subjects: map[string]*timeline{}, dirty: map[string]uint64{}, gone: map[string]struct{}{}, since: milli(now()),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.keep <= 0 {
		s.keep = DefaultKeep
	}
	if s.most <= 0 {
		s.most = DefaultMaxPerSubject
	}
	s.most = max(s.most, 16)
	return s
}

func milli(t time.Time) int64 { return floorMilli(nano(t)) }

// Note says that a subject is in a state since a moment, and with the state NoData that
// there is no such subject any more; of those the newest 10 000 are kept. The same state again changes nothing. A moment
// before the last change that was noted, or before the store was opened, counts as
// that; one in the future counts as now.
func (s *Store) Note(subject string, at time.Time, st State) {
	if st.Has(NoData) {
		st = NoData
	}
	now := milli(s.now())
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.subjects[subject]
	if t == nil {
		if st == NoData {
			return
		}
		t = new(timeline)
		s.subjects[subject] = t
	}
	if st != NoData {
		delete(s.gone, subject)
	}
	if st == t.state() {
		return
	}
	s.touch(subject, t)
	t.add(min(max(milli(at), s.since), now), st)
	if len(t.marks) > s.most {
		t.trim(math.MinInt64>>8, s.most-s.most/16) // some more, so that it is not done each time
	}
	if st == NoData {
		s.noteGone(subject)
	}
}

// touch notes that the timeline is about to change at its end. mu is held.
func (s *Store) touch(subject string, t *timeline) {
	from := t.end()
	if len(t.marks) > 0 {
		from--
	}
	if old, ok := s.dirty[subject]; !ok || from < old {
		s.dirty[subject] = from
	}
}

// nothing is the timeline of what is not known.
var nothing = new(timeline)

// timeline is that of the subject. mu is held.
func (s *Store) timeline(subject string) *timeline {
	if t := s.subjects[subject]; t != nil {
		return t
	}
	return nothing
}

// Read gives the intervals from one moment to another, oldest first, without holes and
// without two alike in a row. It is empty if the first moment is not before the second.
func (s *Store) Read(subject string, from, to time.Time) []Interval {
	return s.AppendIntervals(nil, subject, from, to)
}

// AppendIntervals is Read into a slice of the caller's.
func (s *Store) AppendIntervals(list []Interval, subject string, from, to time.Time) []Interval {
	from = within(from)
	now, start, began := nano(s.now()), nano(from), len(list)
	s.mu.RLock()
	defer s.mu.RUnlock()
	for p := range s.timeline(subject).pieces(start, nano(to), now) {
		end := from.Add(time.Duration(p.to - start))
		if last := len(list) - 1; last >= began && list[last].State == p.state {
			list[last].To = end
			continue
		}
		list = append(list, Interval{from.Add(time.Duration(p.from - start)), end, p.state})
	}
	return list
}

// Sum returns how long it was in each state between two moments. Sums of ranges that lie
// side by side add up to that of the whole.
func (s *Store) Sum(subject string, from, to time.Time) Sums {
	now := nano(s.now())
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.timeline(subject).sum(nano(from), nano(to), now)
}

// Buckets gives n times of the same width that lie side by side from a moment on.
func (s *Store) Buckets(subject string, from time.Time, width time.Duration, n int) []Bucket {
	return s.AppendBuckets(nil, subject, from, width, n)
}

// AppendBuckets is Buckets into a slice of the caller's.
func (s *Store) AppendBuckets(list []Bucket, subject string, from time.Time, width time.Duration, n int) []Bucket {
	if n <= 0 || width <= 0 {
		return list
	}
	width = min(width, math.MaxInt64/4/time.Duration(n)) // centuries
	from = within(from)
	began := len(list)
	list = slices.Grow(list, n)
	for at := from; n > 0; n-- {
		end := at.Add(width)
		list = append(list, Bucket{From: at, To: end, Worst: NoData})
		at = end
	}
	now := nano(s.now())
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.timeline(subject).fill(list[began:], nano(from), int64(width), now)
	return list
}

// Known lists the subjects of which anything is known, sorted.
func (s *Store) Known() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Sorted(maps.Keys(s.subjects))
}

// Forget drops the subjects that ended before a moment, and returns how many. Run drops
// those that are gone for 30 days.
func (s *Store) Forget(before time.Time) int {
	bound, n := milli(before), 0
	s.mu.Lock()
	defer s.mu.Unlock()
	for subject, t := range s.subjects {
		if last := len(t.marks) - 1; last < 0 || t.marks[last].state() == NoData && t.marks[last].milli() < bound {
			s.drop(subject)
			n++
		}
	}
	return n
}

// Stats reads the store's own figures.
func (s *Store) Stats() Stats {
	s.mu.RLock()
	defer s.mu.RUnlock()
	stats := s.stats
	stats.Subjects = len(s.subjects)
	for _, t := range s.subjects {
		stats.Intervals += len(t.marks)
	}
	return stats
}
