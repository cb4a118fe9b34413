package history

import (
	"cmp"
	"slices"
)

// maxGone is how many subjects that are no more are kept: names that come and go must
// not fill the memory before they are old enough to be forgotten.
const maxGone = 10_000

// noteGone remembers that a subject was ended by Note. What load and slept say of all
// subjects at once, that nothing is known of a while, ends none. mu is held.
func (s *Store) noteGone(subject string) {
	s.gone[subject] = struct{}{}
	if len(s.gone) > maxGone {
		s.dropOldest(maxGone/16 + len(s.gone) - maxGone) // some more, so that it is not done each time
	}
}

// dropOldest drops so many of the subjects that are no more, those that ended first.
// mu is held.
func (s *Store) dropOldest(n int) {
	type end struct {
		subject string
		milli   int64
	}
	list := make([]end, 0, len(s.gone))
	for subject := range s.gone {
		list = append(list, end{subject, s.timeline(subject).lastMilli()})
	}
	slices.SortFunc(list, func(a, b end) int { return cmp.Or(cmp.Compare(a.milli, b.milli), cmp.Compare(a.subject, b.subject)) })
	for _, each := range list[:min(n, len(list))] {
		s.drop(each.subject)
	}
}

// drop forgets all of a subject. mu is held.
func (s *Store) drop(subject string) {
	delete(s.subjects, subject)
	delete(s.gone, subject)
	s.dirty[subject] = 0
}

// boundGone sees to it that no more subjects are kept that are no more than may be, those
// too that ended before the start. It must not be asked before each subject that there is
// was noted.
func (s *Store) boundGone() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for subject, t := range s.subjects {
		if t.state() == NoData {
			s.gone[subject] = struct{}{}
		}
	}
	if more := len(s.gone) - maxGone; more > 0 {
		s.dropOldest(more)
	}
}
