// Package envinfo says what a program is and what it runs on, without revealing
// its secrets. It needs the standard library only.
//
// An Environment is a set of named sections and an http.Handler that shows them
// as JSON. Its zero value has the sections os, go, process and limits; config is
// there if the program provides its settings, and programs add sections of their own
// as functions or values:
//
//	var env envinfo.Environment
//	env.AddValue("application", map[string]any{"version": "1.4.2"})
//	mux.Handle("GET /environment", authenticated(&env))
//
// Who may read it is for the caller to decide; the handler checks nothing.
//
// Of environment variables only the names are shown, unless the variable is known to
// be harmless or the operator has named it; whatever else is shown goes through
// package redact.
package envinfo
