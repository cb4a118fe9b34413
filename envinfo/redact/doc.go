// Package redact takes secrets out of what leaves a program: errors, logs, pages,
// command lines and structured values. It needs the standard library only.
//
// The first line of defence is to show no value at all. The second are names: Name
// knows what holds a secret, and Value, Named, Args and Log apply that to structured
// values, command lines and logs. The third is Text, which finds in any text what can
// be recognised as a secret by its form.
//
// No function can recognise a password that stands alone in a text. The first two
// lines exist because the third cannot be complete.
//
// Text takes one kind of secret after the other: PEM blocks (text.go), credentials in
// URLs and data source names (userinfo.go), the values of names (named.go, value.go,
// markup.go, dialogue.go), what is one of those once it is decoded (encoded.go), tokens with a known prefix (token.go), and what looks as random as only a key does
// (random.go).
package redact
