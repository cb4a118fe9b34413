package alerting

// Event is something that happened to a subject, as a journal has it: in order, each once.
type Event struct {
	// Seq is its place in the journal. It grows.
	Seq  uint64
	Kind Kind
	Name string
	What Happening
	// Change is when it happened and why, and of StateChanged from which state to which.
	Change
	// Subject is how it was, of Removed and Lost; nil for other events.
	Subject *Subject
}

// Key identifies the subject among targets and checks.
func (e *Event) Key() string { return Key(e.Kind, e.Name) }

// Happening says what an Event is about.
type Happening int

// What happens to subjects, as far as it is worth telling.
const (
	// Other is what changes nothing about the subject that is told, but may hold back no
	// longer what there is to tell: a pause, maintenance.
	Other Happening = iota
	// StateChanged is a change of the debounced state.
	StateChanged
	// Registered is that the subject is there: new, back, or with other options.
	Registered
	// Removed is that somebody does not want it any more.
	Removed
	// Lost is that it is there no more although nobody has removed it.
	Lost
	// Forgotten is that nobody remembers any more that it was lost, which is no news.
	Forgotten
	// NotProbed is that it was not probed for longer than is usual, and StalledAfter.
	NotProbed
)
