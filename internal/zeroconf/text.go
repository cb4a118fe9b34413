package zeroconf

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of what is read of a TXT record.
const (
	maxTexts    = 32
	maxKey      = 32
	maxValue    = 255
	maxPath     = 255
	maxID       = 64
	maxTextSize = 400 // of what we announce ourselves
)

// ParseText reads the keys of a TXT record: lower case, of two with one name the
// first counts, and what is not a key=value of printable text is left out.
func ParseText(list []string) map[string]string {
	text := map[string]string{}
	for _, each := range list[:min(len(list), maxTexts)] {
		key, value, _ := strings.Cut(each, "=")
		key = strings.ToLower(key)
		if key == "" || len(key) > maxKey || len(value) > maxValue || !printableASCII(key) || !printable(value) {
			continue
		}
		if _, twice := text[key]; !twice {
			text[key] = value
		}
	}
	return text
}

func printableASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r > 0x7e })
}

func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// validPath reports whether a path is one that may be asked for on somebody's word.
func validPath(path string) bool {
	if !strings.HasPrefix(path, "/") || len(path) > maxPath || !printableASCII(path) ||
		strings.Contains(path, "//") || strings.ContainsAny(path, "@\\# \"<>") {
		return false
	}
	u, err := url.ParseRequestURI(path)
	if err != nil || u.Host != "" || u.User != nil {
		return false
	}
	return !slices.Contains(strings.Split(u.Path, "/"), "..") && printable(u.Path)
}

// validateText says what is wrong with a TXT record of our own.
func validateText(list []string) error {
	size := 0
	for _, each := range list {
		if len(each) > maxValue || len(each) == 0 {
			return fmt.Errorf("the text %q has %d bytes, must have 1 to %d", each, len(each), maxValue)
		}
		size += len(each) + 1
	}
	if size > maxTextSize {
		return fmt.Errorf("the texts have %d bytes together, at most %d are allowed", size, maxTextSize)
	}
	return nil
}
