package journal

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/health-exporter/health_exporter/health"
)

// Event is something that happened to a subject.
type Event struct {
	// Seq is its place: it grows by one, is never used again, and survives restarts.
	Seq  uint64
	Time time.Time
	// Kind is Target or Check.
	Kind string
	Name string
	What What
	// From and To are of StateChanged; of other events To is the state at that moment.
	From, To health.Verdict
	// Reason is one line; it may be empty.
	Reason string
	// Was is how the subject was, of Removed and Gone: those cannot be asked any more.
	Was
}

// Was is what whoever tells of a subject that is no more must know of it.
type Was struct {
	// Place is the URL or address, and Group the heading; both may be empty.
	Place, Group string
	// Email is who wants to know and may be mailed; empty for nobody in particular.
	Email string
	// Since is when it came to its last state, and LastHealthy when it was last known to be
	// healthy; zero if nobody knows.
	Since, LastHealthy time.Time
}

// leaves reports whether such an event has Was.
func (w What) leaves() bool { return w == Removed || w == Gone }

// Kinds of subjects.
const (
	Target = "target"
	Check  = "check"
)

// What says what happened. The set is open: readers pass over what they do not know.
type What string

// What may happen.
const (
	// StateChanged is a change of the debounced state.
	StateChanged What = "state"
	// Turned is the first failure after passes, or the first pass after failures, if that
	// did not change the state at once. Only so many of a subject are noted in a minute.
	Turned What = "turn"
	// Registered says that the subject is new.
	Registered What = "registered"
	// Changed says that something else is said of it now: its address, whom to mail, what
	// it depends on.
	Changed What = "changed"
	// Removed says that somebody has taken it out.
	Removed What = "removed"
	// Gone says that it is there no more although nobody has removed it.
	Gone What = "gone"
	// Forgotten says that nobody remembers any more that it was gone.
	Forgotten What = "forgotten"
	// Returned says that what was gone is there again.
	Returned What = "returned"
	// Found says that discovery names it again since the exporter has started; it was there
	// before.
	Found What = "found"
	// Paused and Resumed are an operator's word, or that of whoever registered it.
	Paused  What = "paused"
	Resumed What = "resumed"
	// Maintenance and MaintenanceOver are when it begins to be covered by a window, and
	// when it no longer is.
	Maintenance     What = "maintenance"
	MaintenanceOver What = "maintenance_over"
	// NotProbed says that it is not probed as often as it should be, Probed that it is again.
	NotProbed What = "not_probed"
	Probed    What = "probed"
	// Flapping says that it changes too often to tell of each time, Calm that it has stopped.
	Flapping What = "flapping"
	Calm     What = "calm"
)

// known are the words that take one byte in the file: their index plus one. New ones are
// added at the end.
var known = [...]What{
	StateChanged, Turned, Registered, Changed, Removed, Gone, Returned, Paused, Resumed,
	Maintenance, MaintenanceOver, NotProbed, Probed, Flapping, Calm, Found,
	Forgotten,
}

// ErrBehind says that the events asked for are not there: they are too old, were lost, or
// have not happened. Whoever gets it begins anew with how things are now, or at First.
type ErrBehind struct {
	// First is the number of the next event that there is; one more than that of the last
	// if there is none.
	First uint64
}

func (e ErrBehind) Error() string {
	return fmt.Sprintf("the events after this one are no longer kept: the next one there is has the number %d", e.First)
}

// Bounds of what is kept of an event.
const (
	maxReason = 512
	maxName   = 4096
	maxWord   = 64
)

// bounded makes the event one that reads back as it was written.
func bounded(e Event) Event {
	e.Time = e.Time.UTC().Round(0)
	e.Reason = cut(strings.Join(strings.Fields(e.Reason), " "), maxReason)
	e.From, e.To = verdict(e.From), verdict(e.To)
	if e.What.leaves() {
		e.Place, e.Group, e.Email = cut(e.Place, maxName), cut(e.Group, maxName), cut(e.Email, maxName)
		e.Since, e.LastHealthy = e.Since.UTC().Round(0), e.LastHealthy.UTC().Round(0)
	} else {
		e.Was = Was{}
	}
	e.Name, e.What, e.Kind = cut(e.Name, maxName), What(cut(string(e.What), maxWord)), cut(e.Kind, maxWord)
	return e
}

func verdict(v health.Verdict) health.Verdict {
	if v > health.Unhealthy {
		return health.Unknown
	}
	return v
}

// cut shortens a text without parting a character.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
