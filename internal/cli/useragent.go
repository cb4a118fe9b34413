package cli

import (
	"fmt"
	"strings"
)

// UserAgent is the value of a flag that becomes a header.
type UserAgent string

// Set takes what a header may have.
func (u *UserAgent) Set(text string) error {
	if strings.TrimSpace(text) != text || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return fmt.Errorf("must be printable ASCII without a blank at its ends, not %q", text)
	}
	*u = UserAgent(text)
	return nil
}

// String is the text.
func (u *UserAgent) String() string { return string(*u) }
