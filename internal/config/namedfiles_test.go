package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// withFiles has every key, outside of modules, that names a file with what is read for a
// connection. FILE:name is where each stands.
const withFiles = `
registration: {tokens: [{name: a, token_file: FILE:tokens}]}
environment: {enabled: true, token_file: FILE:token}
alerting:
  alertmanagers:
    - url: http://a.example.org
      basic_auth: {username: x, password_file: FILE:password}
      tls_config: {ca_file: FILE:ca.pem, cert_file: FILE:client.pem, key_file: FILE:client.key}
    - url: http://b.example.org
      basic_auth: &basic {username_file: FILE:username, password_file: FILE:password}
    - url: http://c.example.org
      authorization: {credentials_file: FILE:token}
    - <<: &merged {tls_config: {ca_file: FILE:ca.pem}}
      url: http://d.example.org
discovery:
  jobs:
    - name: a
      http_sd_configs:
        - {url: "http://x", basic_auth: {username_file: FILE:username, password_file: FILE:password}, tls_config: {ca_file: FILE:ca.pem, cert_file: FILE:client.pem, key_file: FILE:client.key}}
        - {url: "http://x", authorization: {credentials_file: FILE:token}}
        - {url: "http://x", bearer_token_file: FILE:token}
        - {url: "http://x", oauth2: {client_id: x, token_url: "http://x", client_secret_file: FILE:password, tls_config: {ca_file: FILE:ca.pem}}}
        - {url: "http://x", oauth2: {client_id: x, token_url: "http://x", grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", client_certificate_key_file: FILE:client.key}}
        - {url: "http://x", http_headers: {X-Key: {files: [FILE:token]}}}
checks:
  - {name: a, kind: sql, driver: postgres, dsn_file: FILE:password}
  - {name: b, kind: redis, address: "x:1", password_file: FILE:password, tls_config: {ca_file: FILE:ca.pem, cert_file: FILE:client.pem, key_file: FILE:client.key}}
  - {name: c, kind: amqp, url_file: FILE:password, tls_config: {ca_file: FILE:ca.pem}}
`

const withMail = `
alerting:
  email: {smarthost: "x:25", from: a@example.org, to: a@example.org, username: x, KEY: FILE:password, tls_config: {ca_file: FILE:ca.pem, cert_file: FILE:client.pem, key_file: FILE:client.key}}
`

var fileIn = regexp.MustCompile(`FILE:[a-z.]+`)

// TestFilesThatCannotBeRead takes away each file that is named, in every kind of way. All
// are told at once, each with its line and path.
func TestFilesThatCannotBeRead(t *testing.T) {
	files := makeFiles(t)
	modules, err := os.ReadFile("testdata/every-key.yml")
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]string{"tokens": "abcdefghijklmnopqrstuvwxyz", "token": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
	for name, text := range own {
		if err := os.WriteFile(filepath.Join(files.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	texts := map[string]string{
		"sections": withFiles, "email": strings.ReplaceAll(withMail, "KEY", "password_file"), "email, Alertmanager's words": strings.ReplaceAll(withMail, "KEY", "auth_password_file"),
		"modules": files.placed(strings.ReplaceAll(string(modules), placeOfFiles, "FILE:")),
	}
	for name, text := range texts {
		text = strings.ReplaceAll(text, "FILE:modules/", files.dir+"/modules/")
		good := strings.ReplaceAll(text, "FILE:", files.dir+"/")
		c, err := parse("c.yml", []byte(good))
		if err != nil {
			t.Fatalf("%s: %s", name, err)
		}
		for _, w := range unexpected(c.Warnings(Known{})) {
			t.Errorf("%s: %s", name, w)
		}
		var lines []string // one fault, or warning, is to be on each, at least
		for i, line := range strings.Split(text, "\n") {
			for range fileIn.FindAllString(line, -1) {
				lines = append(lines, fmt.Sprint("line ", i+1, ": "))
			}
		}
		if len(lines) < 4 {
			t.Fatalf("%s names only %d files", name, len(lines))
		}
		empty, garbage := t.TempDir(), filepath.Join(t.TempDir(), "garbage")
		if err := os.WriteFile(garbage, []byte("garbage"), 0o600); err != nil {
			t.Fatal(err)
		}
		for how, at := range map[string]string{"missing": filepath.Join(empty, "none"), "a directory": empty, "below a file": garbage + "/x", "relative": "none/none"} {
			var told []string
			c, err := parse("c.yml", []byte(fileIn.ReplaceAllString(text, at)))
			if err != nil {
				told = strings.Split(err.Error(), "\n")
			} else {
				for _, w := range c.Warnings(Known{}) {
					told = append(told, w.String())
				}
			}
			if name == "sections" { // of which the checks are warnings, told once the rest is well
				checks, _ := parse("c.yml", []byte(fileIn.ReplaceAllString(text[strings.Index(text, "\nchecks:"):], at)))
				for _, w := range checks.Warnings(Known{}) {
					w.Line += strings.Count(text[:strings.Index(text, "\nchecks:")], "\n")
					told = append(told, w.String())
				}
			}
			for _, line := range slices.Compact(slices.Clone(lines)) {
				wanted := 0
				for _, l := range lines {
					if l == line {
						wanted++
					}
				}
				got := 0
				for _, each := range told {
					if strings.Contains(each, line) && (strings.Contains(each, "_file") || strings.Contains(each, "files[")) {
						got++
					}
				}
				if got < wanted {
					t.Errorf("%s, %s: %d of %d on %s\n%s", name, how, got, wanted, line, strings.Join(told, "\n"))
				}
			}
		}
	}
}

// TestTLSFilesThatAreNone has files in which there is something else than there should be.
func TestTLSFilesThatAreNone(t *testing.T) {
	files := makeFiles(t)
	other, _ := certificate(t)
	for name, text := range map[string]string{"garbage": "garbage", "empty": "", "other.pem": other} {
		if err := os.WriteFile(filepath.Join(files.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for options, want := range map[string]string{
		"ca_file: FILE:garbage": "tls_config.ca_file: FILE:garbage has no certificates in PEM",
		"ca_file: FILE:empty":   "tls_config.ca_file: FILE:empty has no certificates in PEM",
		"ca_file: /dev/zero":    "", // whoever needs it sees what is in it
		"cert_file: FILE:other.pem, key_file: FILE:client.key":   "tls_config.cert_file: does not fit key_file, private key does not match",
		"cert_file: FILE:garbage, key_file: FILE:client.key":     "tls_config.cert_file: does not fit key_file, failed to find any PEM data",
		"cert_file: FILE:client.pem, key_file: FILE:client.pem":  "tls_config.cert_file: does not fit key_file, found a certificate rather than a key",
		"cert_file: FILE:client.pem, key_file: FILE:client.key":  "",
		"cert_file: FILE:client.pem, key_file: FILE:client.none": "tls_config.key_file: stat FILE:client.none: no such file",
	} {
		place := func(text string) string { return strings.ReplaceAll(text, "FILE:", files.dir+"/") }
		for _, section := range []string{
			"alerting: {alertmanagers: [{url: 'http://x', tls_config: {%s}}]}",
			"alerting: {email: {smarthost: 'x:25', from: a@example.org, to: a@example.org, tls_config: {%s}}}",
			"discovery: {jobs: [{name: a, http_sd_configs: [{url: 'http://x', tls_config: {%s}}]}]}",
			"modules: {a: {prober: tcp, allow: [a.example], tcp: {tls: true, tls_config: {%s}}}}",
			"modules: {a: {prober: http, allow: [a.example], http: {tls_config: {%s}}}}",
			"checks: [{name: b, kind: redis, address: 'x:1', tls_config: {%s}}]",
		} {
			c, err := parse("c.yml", []byte(place(fmt.Sprintf(section, options))))
			got := fmt.Sprint(err)
			if err == nil {
				got = fmt.Sprint(c.Warnings(Known{}))
			}
			if want == "" && got != "[]" || !strings.Contains(got, place(want)) {
				t.Errorf("%s: %s: %s, want %s", section, options, got, place(want))
			}
		}
	}
}
