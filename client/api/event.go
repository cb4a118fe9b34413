package api

import "time"

// Events is the answer to GET /api/v1/events: what has happened, oldest first.
type Events struct {
	Events []Event `json:"events"`
	// Next is what to give as after for what comes then.
	Next uint64 `json:"next"`
	// Reset says that what was asked for is no longer kept: ask how things are now, and go
	// on with Next.
	Reset bool `json:"reset,omitempty"`
}

// Event is something that happened to a target or a check.
type Event struct {
	// Seq is its place: it grows by one, and is never used again.
	Seq  uint64    `json:"seq"`
	Time time.Time `json:"time"`
	// Kind is target or check.
	Kind string `json:"kind"`
	Name string `json:"name"`
	// What is state for a change of state, or registered, removed, gone, paused and so on;
	// there may come more.
	What string `json:"what"`
	// From is of changes of state only; of all else To is the state at that moment.
	From string `json:"from,omitempty"`
	To   string `json:"to"`
	// Reason is one line, if there is anything to say.
	Reason string `json:"reason,omitempty"`
}
