// Package testport hands out ports of loopback that stay free: for a program that must
// be told where to listen, and for the address at which nobody is to answer. To listen
// on port 0, close, and hope that nobody else gets the port meanwhile fails now and
// then, since packages are tested side by side.
package testport
