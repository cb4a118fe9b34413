package config

import (
	"fmt"
	"os"
	"strings"
)

// minTokenLength is how many characters a token must have, so that nobody guesses it.
const minTokenLength = 16

// readToken is the token that a file holds, without the white space around it. It must be
// what a client can send in a header: at least 16 printable ASCII characters without a
// blank. So a file with two tokens is a fault, where each of them would be refused later.
func readToken(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(text))
	switch {
	case len(token) < minTokenLength:
		return "", fmt.Errorf("the token in %s has %d characters, must have at least %d", file, len(token), minTokenLength)
	case strings.ContainsAny(token, "\r\n"):
		return "", fmt.Errorf("%s has %d lines, must hold one token", file, len(strings.FieldsFunc(token, endsLine)))
	case strings.ContainsFunc(token, notInToken):
		return "", fmt.Errorf("the token in %s must be printable ASCII without blanks", file)
	}
	return token, nil
}

func endsLine(r rune) bool { return r == '\r' || r == '\n' }

func notInToken(r rune) bool { return r <= ' ' || r > '~' }
