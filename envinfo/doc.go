// Package envinfo tells what a program is and what it runs on, without telling
// its secrets. It needs the standard library only.
//
// An Environment is a set of named sections and an http.Handler that shows them
// as JSON. Its zero value has the sections os, go, process and limits; config is
// there if the program tells its settings, and programs add sections of their own
// as functions or values:
//
//	var env envinfo.Environment
//	env.AddValue("application", map[string]any{"version": "1.4.2"})
//	mux.Handle("GET /environment", authenticated(&env))
//
// Who may read it is for the caller to decide; the handler asks nobody.
//
// # Secrets
//
// Three lines of defence stand between a secret and the reader. The first is to
// show no value at all: of environment variables only the names are shown, unless
// the variable is known to be harmless or the operator has named it. The second
// are names: RedactName knows what holds a secret, and RedactValue, RedactArgs
// and RedactLog apply that to structured values, command lines and logs. The third
// is Redact, which finds in any text what can be recognised as a secret by its
// form. It is meant for every text that leaves a program: errors, debug output,
// logs and pages.
//
// No function can recognise a password that stands alone in a text. The first two
// lines exist because the third cannot be complete.
package envinfo
