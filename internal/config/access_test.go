package config

import (
	"fmt"
	"net/netip"
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
  line 3: registration.tokens[0].rights: "fly" is not a right, must be one of read, write, admin, debug
  line 4: registration.tokens[1].rights: "write" is given twice
  line 5: registration.tokens[2].rights: is empty, so the token is useless; must have some of read, write, admin, debug
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

// TestHostsAndProxies are read as people write them.
func TestHostsAndProxies(t *testing.T) {
	c, err := parse("a.yml", []byte(`
access:
  hosts: [Health.Example.org., "*.Wild.example", bücher.example, nas, a_b.example]
  proxies: [127.0.0.1, "::1", 10.1.0.0/16]
  local_trust: false
registration: {rate: 0.5, burst: 0, max_targets_per_address: 0}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := Access{
		Read: "open", Debug: "local",
		Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("10.1.0.0/16")},
		Hosts:   []string{"health.example.org", "*.wild.example", "xn--bcher-kva.example", "nas", "a_b.example"},
	}
	if diff := cmp.Diff(want, c.Access, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	if r := c.Registration; r.Rate != 0.5 || r.Burst != 0 || r.MaxTargetsPerAddress != 0 {
		t.Errorf("%+v", r)
	}
	if r := Default().Registration; r.Rate != 10 || r.Burst != 100 || r.MaxTargetsPerAddress != 1000 {
		t.Errorf("by default %+v", r)
	}
}

func TestHostsAndProxiesFaults(t *testing.T) {
	for text, part := range map[string]string{
		`access: {hosts: ["*"]}`:                      `access.hosts: "*" is not a valid name`,
		`access: {hosts: ["*."]}`:                     `access.hosts: "*." is not a valid name`,
		`access: {hosts: ["a.*.example"]}`:            "is not a valid name",
		`access: {hosts: [""]}`:                       "is not a valid name",
		`access: {hosts: ["a..b"]}`:                   "is not a valid name",
		`access: {hosts: ["-a.example"]}`:             "is not a valid name",
		`access: {hosts: ["http://a.example"]}`:       "neither port, nor scheme, nor path",
		`access: {hosts: ["a.example:10115"]}`:        "neither port, nor scheme, nor path",
		`access: {hosts: ["me@a.example"]}`:           "neither port, nor scheme, nor path",
		`access: {hosts: [10.0.0.1]}`:                 "addresses need not be listed",
		`access: {hosts: ["[::1]"]}`:                  "addresses need not be listed",
		`access: {hosts: [{a: b}]}`:                   "must be a text",
		`access: {hosts: a.example}`:                  "access.hosts",
		`access: {proxies: [proxy.example]}`:          `access.proxies: "proxy.example" is not a valid network`,
		`access: {local_trust: perhaps}`:              "access.local_trust",
		`registration: {rate: -1}`:                    "registration.rate: must be between 0 and",
		`registration: {rate: .nan}`:                  "registration.rate: must be between 0 and",
		`registration: {rate: .inf}`:                  "registration.rate: must be between 0 and",
		`registration: {burst: -1}`:                   "registration.burst: must not be negative",
		`registration: {burst: 1.5}`:                  "registration.burst",
		`registration: {max_targets_per_address: -1}`: "registration.max_targets_per_address: must not be negative",
	} {
		if _, err := parse("a.yml", []byte(text)); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v, want %q", text, err, part)
		}
	}
}

// TestNotes name the tokens that change their own targets only.
func TestNotes(t *testing.T) {
	file := tokenFile(t, strings.Repeat("x", 16))
	c, err := parse("a.yml", []byte(fmt.Sprintf(`registration:
  tokens:
  - {name: shop, token_file: %[1]s}
  - {name: reader, token_file: %[1]s, rights: [read]}
  - {name: boss, token_file: %[1]s, rights: [write, admin]}
  - {name: till, token_file: %[1]s, rights: [write]}
`, file)))
	if err != nil {
		t.Fatal(err)
	}
	if notes := strings.Join(c.Notes(), "\n"); !strings.Contains(notes, `("shop", "till")`) || !strings.Contains(notes, `"admin"`) {
		t.Errorf("%q", notes)
	}
	if notes := Default().Notes(); notes != nil {
		t.Errorf("without tokens: %q", notes)
	}
}
