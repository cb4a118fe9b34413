package strictjson

import (
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// CheckText says where JSON has a text that Unicode does not know: encoding/json puts
// U+FFFD in its place without a word, and what is stored is not what was sent.
func CheckText(body []byte) error {
	if !utf8.Valid(body) {
		at := 0
		for at < len(body) {
			r, size := utf8.DecodeRune(body[at:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			at += size
		}
		return fmt.Errorf("it must be UTF-8, and byte %d (0x%02x) is not", at+1, body[at])
	}
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' { // stands in texts only
			continue
		}
		i++ // what is escaped may be a backslash itself
		unit, ok := codeUnit(body, i)
		if !ok || !utf16.IsSurrogate(unit) {
			continue
		}
		second, _ := codeUnit(body, i+6)
		if i+5 >= len(body) || body[i+5] != '\\' || utf16.DecodeRune(unit, second) == utf8.RuneError {
			return fmt.Errorf(`\u%s is one half of a character, without the other`, body[i+1:i+5])
		}
		i += 10
	}
	return nil
}

// codeUnit reads u and four hexadecimal digits.
func codeUnit(body []byte, at int) (rune, bool) {
	if at+5 > len(body) || body[at] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(body[at+1:at+5]), 16, 16)
	return rune(n), err == nil
}
