// Package cli has the commands that answer a person at a terminal. Each is a
// function that writes to what it is given and returns the exit code.
package cli
