package alerting

import (
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// Kind says what a Subject is.
type Kind string

// The kinds.
const (
	Target Kind = "target"
	Check  Kind = "check"
)

// Subject is a target or check, with what is known of it now.
type Subject struct {
	Kind Kind
	// Name is the app of a target, or the name of a check.
	Name string
	// Place is what is probed: a URL or an address; empty for checks.
	Place string
	// Group is a heading; may be empty.
	Group string
	// Email is who wants to know and may be mailed; empty for nobody in particular.
	Email string
	// State is the debounced verdict, reached at Since.
	State health.Verdict
	Since time.Time
	// LastHealthy is when a probe last left it HEALTHY; zero if none ever did.
	LastHealthy time.Time
	// Error is why the last probe did not pass, in one line.
	Error string
	// Response is the last answer, if there was one that is text.
	Response []byte
	// Link is where a person finds more; empty if nobody knows.
	Link string
	// Stalled reports whether it is not being probed although it should be.
	Stalled bool
	// OnlyWarns reports whether it works, and is DEGRADED for what it says of itself.
	OnlyWarns bool `json:",omitempty"`
	// Interval is how often it should be; zero if nobody knows.
	Interval time.Duration `json:",omitzero"`
	// Paused reports whether it is not being probed because somebody paused it.
	Paused bool
	// Gone is since when it exists no more although nobody has removed it, and GoneWhy
	// why, in one line; zero if it does exist. Its State is unknown then.
	Gone    time.Time
	GoneWhy string
	// DependsOn names subjects without which this one cannot be well.
	DependsOn []string
}

// Key identifies the subject among targets and checks.
func (s *Subject) Key() string { return Key(s.Kind, s.Name) }

// Key identifies a subject. No name can have its separator.
func Key(kind Kind, name string) string { return string(kind) + "\x00" + name }

// SplitKey undoes Key.
func SplitKey(key string) (Kind, string) {
	kind, name, _ := strings.Cut(key, "\x00")
	return Kind(kind), name
}

// What says what a Notice is about.
type What string

// What there is to tell.
const (
	Changed      What = "changed"      // the state is another one
	Flapping     What = "flapping"     // it keeps changing; the changes are held back
	Calm         What = "calm"         // it has stopped doing so
	Unregistered What = "unregistered" // it is no longer monitored
	Departed     What = "gone"         // likewise, although nobody wanted it so
	Reminder     What = "reminder"     // it is still so
	Test         What = "test"         // nothing: somebody wants to know whether news get through
)

// Notice is one thing to tell about a subject. It is complete: what it says does not
// change while it waits.
type Notice struct {
	// ID is unique and grows with time.
	ID   uint64
	What What
	// Subject is as it was when the notice was made.
	Subject Subject
	// Time is when it happened.
	Time time.Time
	// From and To are the states; From is meaningful for Changed.
	From, To health.Verdict
	// Reason is why, in one line; may be empty.
	Reason string
	// BadSince is when the outage began that the notice is about, zero if it is about
	// none. Mails about one outage of a subject belong to one thread.
	BadSince time.Time
	// WasHeld reports whether it waited for a reason other than the mail server.
	WasHeld bool
	// Held is of how many others news waits because they depend on this subject.
	Held int
}

// Title is the notice in one line, as the subject of a mail.
func (n *Notice) Title() string {
	name := n.Subject.Name
	if n.Subject.Kind == Check {
		name = "check " + name
	}
	switch n.What {
	case Flapping:
		return name + " keeps changing its state"
	case Unregistered:
		return name + " is no longer monitored"
	case Departed:
		return name + " is gone"
	case Test:
		return "Test of " + n.Subject.Name
	}
	is := " is "
	switch n.What {
	case Calm:
		return name + " has calmed down: " + n.To.String()
	case Reminder:
		is = " is still "
	}
	return map[health.Verdict]string{
		health.Healthy:   name + is + "back to healthy",
		health.Degraded:  name + " health" + is + "degraded",
		health.Unhealthy: name + is + "unhealthy",
		health.Unknown:   name + " health" + is + "unknown",
	}[n.To]
}
