package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReadToken: what cannot be sent in a header would lock out whoever has it, so it is
// refused when the file is loaded.
func TestReadToken(t *testing.T) {
	const good = "0123456789abcdef"
	for _, test := range []struct{ name, text, fault string }{
		{"plain", good, ""},
		{"with a line end", good + "\r\n", ""},
		{"with blanks around it", "\n  " + good + "\t\n", ""},
		{"every sign", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", ""},
		{"empty", " \n", "has 0 characters, must have at least 16"},
		{"short", good[1:], "has 15 characters, must have at least 16"},
		{"two lines", good + "\n" + good, "has 2 lines, must hold one token"},
		{"two lines of Windows", good + "\r\n" + good, "has 2 lines, must hold one token"},
		{"an old end of line", good + "\r" + good, "must hold one token"},
		{"a blank inside", good + " " + good, "must be printable ASCII without blanks"},
		{"a tab inside", good + "\t" + good, "must be printable ASCII without blanks"},
		{"binary", good + "\x00\xff" + good, "must be printable ASCII without blanks"},
		{"beyond ASCII", good + "é", "must be printable ASCII without blanks"},
		{"the last that is not printable", good + "\x7f", "must be printable ASCII without blanks"},
	} {
		file := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(file, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		token, err := readToken(file)
		switch {
		case test.fault == "" && (err != nil || token != strings.TrimSpace(test.text)):
			t.Errorf("%s: %q, %v", test.name, token, err)
		case test.fault != "" && (err == nil || !strings.Contains(err.Error(), test.fault) || !strings.Contains(err.Error(), file)):
			t.Errorf("%s: got %v, want %q and the file", test.name, err, test.fault)
		case err != nil && strings.Contains(err.Error(), good):
			t.Errorf("%s: the fault shows the token: %v", test.name, err)
		}
	}
	if _, err := readToken(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that does not exist has a token")
	}
}
