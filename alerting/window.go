package alerting

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/health-exporter/health_exporter/internal/names"
)

// Window is a time of maintenance: what it covers is probed as ever, but nothing is
// told of it. Afterwards what is different from before is told.
type Window struct {
	// Name is what people call it.
	Name string `json:"name"`
	// Targets are names of targets and checks, or patterns as path.Match has them (exact names first), and
	// Groups those of groups. With neither it covers everything.
	Targets []string `json:"targets,omitempty"`
	Groups  []string `json:"groups,omitempty"`
	// Start and End bound a window that comes once.
	Start time.Time `json:"start,omitzero"`
	End   time.Time `json:"end,omitzero"`
	// Weekly, if set, is a window that comes again and again.
	Weekly *Weekly `json:"weekly,omitempty"`
}

// Weekly is a time of certain days of the week.
type Weekly struct {
	// Days are those on which it begins; none means every day.
	Days []time.Weekday `json:"days,omitempty"`
	// From and To are times of day since midnight, by the wall clock. With To at
	// or before From it ends on the following day.
	From, To time.Duration
	// Location is whose clock that is; nil means UTC.
	Location *time.Location `json:"-"`
}

// Check reports everything that is wrong with the window.
func (w *Window) Check() error {
	var faults []error
	if slices.Contains(w.Targets, "") || slices.Contains(w.Groups, "") {
		faults = append(faults, errors.New(`"" is not a valid name or pattern, such as web-*`))
	}
	switch {
	case w.Weekly != nil && !(w.Start.IsZero() && w.End.IsZero()):
		faults = append(faults, errors.New("it has a start or an end, and is weekly: give one or the other"))
	case w.Weekly != nil:
		day := 24 * time.Hour
		if w.Weekly.From < 0 || w.Weekly.From >= day || w.Weekly.To < 0 || w.Weekly.To > day || w.Weekly.From == w.Weekly.To {
			faults = append(faults, errors.New("from and to must be two different times of day, from 00:00 to 24:00"))
		}
	case w.Start.IsZero() || w.End.IsZero():
		faults = append(faults, errors.New("it needs a start and an end"))
	case !w.End.After(w.Start):
		faults = append(faults, fmt.Errorf("it ends (%s) before it starts (%s)", w.End.Format(time.RFC3339), w.Start.Format(time.RFC3339)))
	}
	return errors.Join(faults...)
}

// Covers reports whether it is about the subject.
func (w *Window) Covers(s *Subject) bool {
	if len(w.Targets) == 0 && len(w.Groups) == 0 {
		return true
	}
	return names.MatchAny(w.Targets, s.Name) || s.Group != "" && names.MatchAny(w.Groups, s.Group)
}

// Open reports whether it is open at a moment.
func (w *Window) Open(now time.Time) bool {
	if w.Weekly == nil {
		return !now.Before(w.Start) && now.Before(w.End)
	}
	return w.Weekly.open(now)
}

func (w *Weekly) open(now time.Time) bool {
	location := w.Location
	if location == nil {
		location = time.UTC
	}
	now = now.In(location)
	// It may have begun today or, if it goes over midnight, yesterday.
	for _, daysAgo := range []int{0, 1} {
		day := now.AddDate(0, 0, -daysAgo)
		if len(w.Days) > 0 && !slices.Contains(w.Days, day.Weekday()) {
			continue
		}
		to := w.To
		if to <= w.From {
			to += 24 * time.Hour
		}
		if !now.Before(clock(day, w.From)) && now.Before(clock(day, to)) {
			return true
		}
		// The clock shows an hour twice when it was put back: the second time counts too.
		if shown := shown(now) + time.Duration(daysAgo)*24*time.Hour; w.From <= shown && shown < to {
			return true
		}
	}
	return false
}

// clock is a time of day by the wall clock, also when that was put forward or
// back.
func clock(day time.Time, since time.Duration) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), int(since/time.Hour), int(since/time.Minute)%60, int(since/time.Second)%60, 0, day.Location())
}

// shown is the time of day that the wall clock shows.
func shown(now time.Time) time.Duration {
	return time.Duration(now.Hour())*time.Hour + time.Duration(now.Minute())*time.Minute + time.Duration(now.Second())*time.Second
}

// Windows are all that there are.
type Windows []Window

// Hold reports whether nothing shall be told of the subject now.
func (list Windows) Hold(s *Subject, now time.Time) bool {
	for i := range list {
		if list[i].Open(now) && list[i].Covers(s) {
			return true
		}
	}
	return false
}
