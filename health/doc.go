// Package health judges whether a thing is well: the state machine that turns
// single outcomes into a debounced state, and the health+json report format.
//
// It is meant to be linked into other people's programs, so it imports the
// standard library only.
package health
