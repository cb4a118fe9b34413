// Package mailaddress says which e-mail addresses there are here: the same wherever one is
// registered, configured or mailed to.
package mailaddress

import (
	"errors"
	"fmt"
	"strings"
)

const (
	maxAddress = 254 // RFC 5321, 4.5.3.1.3, without the angle brackets
	maxLocal   = 64
	maxLabel   = 63
)

// Parse accepts exactly one bare address as RFC 5321 has them, and returns it with its
// domain in lower case. A domain without a dot is one: root@localhost. Addresses come from
// whoever registers and end in the hands of mail programs, so there are no quoted local
// parts, comments, display names, lists, address literals or letters beyond ASCII.
func Parse(text string) (string, error) {
	local, domain, err := split(text)
	if err == nil {
		err = errors.Join(checkLocal(local), checkDomain(domain))
	}
	if err != nil {
		why, _, _ := strings.Cut(err.Error(), "\n")
		return text, fmt.Errorf("%q is not a valid e-mail address: %s", text, why)
	}
	return local + "@" + strings.ToLower(domain), nil
}

func split(text string) (local, domain string, err error) {
	at := strings.LastIndexByte(text, '@')
	switch {
	case strings.HasPrefix(text, `"`) || strings.Contains(text, `"@`):
		return "", "", errors.New(`local parts in quotes are not supported`)
	case strings.ContainsAny(text, "<>"):
		return "", "", errors.New("a name or angle brackets are not part of an address")
	case at < 0:
		return "", "", errors.New("one plain address such as me@example.org is allowed")
	case len(text) > maxAddress:
		return "", "", fmt.Errorf("it has more than %d characters", maxAddress)
	}
	return text[:at], text[at+1:], nil
}

// checkLocal accepts the Dot-string of RFC 5321.
func checkLocal(local string) error {
	switch {
	case local == "":
		return errors.New(`there is nothing before the "@"`)
	case len(local) > maxLocal:
		return fmt.Errorf(`there are more than %d characters before the "@"`, maxLocal)
	case strings.HasPrefix(local, "."), strings.HasSuffix(local, "."), strings.Contains(local, ".."):
		return errors.New(`a dot before the "@" must be between other characters`)
	}
	for _, r := range local {
		if r != '.' && !atext(r) {
			return fmt.Errorf(`%q must not be before the "@"`, r)
		}
	}
	return nil
}

// atext are the characters that need no quotes (RFC 5322, 3.2.3).
func atext(r rune) bool { return alphanumeric(r) || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r) }

func alphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// checkDomain accepts the Domain of RFC 5321. Those beyond ASCII have a form in ASCII.
func checkDomain(domain string) error {
	if strings.HasPrefix(domain, "[") {
		return errors.New("an address instead of a domain is not supported")
	}
	for label := range strings.SplitSeq(domain, ".") {
		switch {
		case label == "":
			return errors.New(`a name must follow the "@", and each dot of it`)
		case len(label) > maxLabel:
			return fmt.Errorf("%q has more than %d characters", label, maxLabel)
		case label[0] == '-' || label[len(label)-1] == '-':
			return fmt.Errorf("%q must not begin or end with a dash", label)
		}
		for _, r := range label {
			if r != '-' && !alphanumeric(r) {
				return fmt.Errorf(`%q must not be in the domain`, r)
			}
		}
	}
	return nil
}
