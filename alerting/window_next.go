package alerting

import "time"

// Next is a moment after now up to which the window stays open, or closed; zero if it
// stays so for ever. It may be earlier than need be.
func (w *Window) Next(now time.Time) time.Time {
	switch {
	case w.Weekly != nil:
		return w.Weekly.next(now)
	case now.Before(w.Start):
		return w.Start
	case now.Before(w.End):
		return w.End
	}
	return time.Time{}
}

// clocksChange is at which moments clocks on the wall are put forward or back.
const clocksChange = 30 * time.Minute

func (w *Weekly) next(now time.Time) time.Time {
	location := w.Location
	if location == nil {
		location = time.UTC
	}
	next := now.Truncate(clocksChange).Add(clocksChange)
	today := now.In(location)
	for _, day := range []time.Time{today.AddDate(0, 0, -1), today, today.AddDate(0, 0, 1)} {
		to := w.To
		if to <= w.From {
			to += 24 * time.Hour
		}
		for _, since := range []time.Duration{w.From, to} {
			// When a clock is put back it shows some times twice.
			for twice := -time.Hour; twice <= time.Hour; twice += clocksChange {
				if at := clock(day, since).Add(twice); at.After(now) && at.Before(next) {
					next = at
				}
			}
		}
	}
	return next
}
