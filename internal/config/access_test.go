package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tokenFile is a file with a token.
func tokenFile(t *testing.T, secret string) string {
	t.Helper()
	return writeFiles(t, map[string]string{"token": secret + "\n"}) + "/token"
}

func TestAccess(t *testing.T) {
	reader, admin, old := strings.Repeat("r", 16), strings.Repeat("a", 16), strings.Repeat("o", 16)
	text := fmt.Sprintf(`
registration:
  tokens:
  - {name: reader, token_file: %s, rights: [read]}
  - {name: admin, token_file: %s, rights: [debug, write]}
  - {name: old, token_file: %s}
access: {read: token, debug: local}
`, tokenFile(t, reader), tokenFile(t, admin), tokenFile(t, old))
	c, err := parse("a.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Access{Read: "token", Debug: "local", LocalTrust: true}, c.Access); diff != "" {
		t.Error(diff)
	}
	got := map[string]string{}
	for _, secret := range []string{reader, admin, old} {
		name, ok := c.Registration.Bearer(secret)
		if !ok {
			t.Fatalf("the token %s is not known", secret)
		}
		for _, right := range allRights {
			if c.Registration.Has(name, right) {
				got[name] += right + " "
			}
		}
	}
	want := map[string]string{"reader": "read ", "admin": "write debug ", "old": "read write "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if c.Registration.Has("nobody", "read") {
		t.Error("a token that there is not has rights")
	}
	if diff := cmp.Diff(Access{Read: "open", Debug: "local", LocalTrust: true}, Default().Access); diff != "" {
		t.Errorf("by default %s", diff)
	}
}

func TestAccessFaults(t *testing.T) {
	file := tokenFile(t, strings.Repeat("x", 16))
	_, err := parse("a.yml", []byte(fmt.Sprintf(`registration:
  tokens:
  - {name: a, token_file: %[1]s, rights: [write, fly]}
  - {name: b, token_file: %[1]s, rights: [write, write]}
  - {name: c, token_file: %[1]s, rights: []}
access:
  read: token
  debug: sometimes
`, file)))
	want := `5 faults in configuration file a.yml:
  line 3: registration.tokens.rights: "fly" is not a right, must be one of read, write, admin, debug
  line 4: registration.tokens.rights: "write" is given twice
  line 5: registration.tokens.rights: is empty, so the token is useless; must have some of read, write, admin, debug
  line 7: access.read: is token, but no token has the right to read (registration.tokens), so nobody could
  line 8: access.debug: must be one of open, local, token, not "sometimes"`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	_, err = parse("a.yml", []byte("access: {debug: token, write: open}"))
	for _, part := range []string{"access.debug: is token, but no token has the right debug", "access.write: unknown key"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
}
