package redact_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/envinfo/redact"
)

var marked = regexp.MustCompile(`<<<(.*?)>>>`)

// TestSecretsOfCorpus allows no secret of the corpus in what Text returns, nor
// any six bytes of one.
func TestSecretsOfCorpus(t *testing.T) {
	texts := corpus(t, "testdata/secrets.txt")
	leaks := 0
	for _, line := range texts {
		text, secrets := unmark(line)
		if len(secrets) == 0 {
			t.Fatalf("no secret is marked in %q", line)
		}
		cleaned := redact.Text(text)
		if part := leaked(text, cleaned, secrets); part != "" {
			leaks++
			t.Errorf("%q of\n %s is in\n %s", part, text, cleaned)
		}
		if again := redact.Text(cleaned); again != cleaned {
			t.Errorf("%q becomes %q the second time", cleaned, again)
		}
	}
	t.Logf("%d of %d leak", leaks, len(texts))
}

// TestHarmlessOfCorpus names the harmless texts that are changed all the same.
func TestHarmlessOfCorpus(t *testing.T) {
	known := map[string]bool{
		// A certificate is public; that it is one is not worth the risk of a label that lies.
		"-----BEGIN CERTIFICATE----- MIIBdzCCAR2gAwIBAgIBATAKBggqhkjOPQQDAjAA -----END CERTIFICATE-----": true,
		// A hash of 160 bits looks like any other key.
		"/nix/store/q3w5l2k8c9v0d1f7s6a4z3x2b1n5m8j9-hello-2.12.1/bin/hello": true,
	}
	changed := 0
	texts := corpus(t, "testdata/harmless.txt")
	for _, text := range texts {
		cleaned := redact.Text(text)
		if cleaned == text {
			continue
		}
		changed++
		if !known[text] {
			t.Errorf("%s\nbecomes\n%s", text, cleaned)
		}
	}
	t.Logf("%d of %d are changed", changed, len(texts))
}

// corpus reads the texts of a file; there must be many, or the test says nothing.
func corpus(t *testing.T, file string) []string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && !strings.HasPrefix(line, "# ") {
			texts = append(texts, line)
		}
	}
	if len(texts) < 200 {
		t.Fatalf("only %d texts in %s", len(texts), file)
	}
	return texts
}

// unmark is a line of the corpus as a text, and what in it is secret.
func unmark(line string) (text string, secrets []string) {
	line = strings.ReplaceAll(line, "{{+}}", "")
	for _, match := range marked.FindAllStringSubmatch(line, -1) {
		secrets = append(secrets, match[1])
	}
	return strings.NewReplacer("<<<", "", ">>>", "").Replace(line), secrets
}

// leaked is a part of a secret that is still there: all of it, or any six bytes
// that are nowhere else in the text.
func leaked(text, cleaned string, secrets []string) string {
	const telling = 6
	public := text
	for _, secret := range secrets {
		public = strings.ReplaceAll(public, secret, "\x00")
	}
	for _, secret := range secrets {
		width := min(telling, len(secret))
		for i := 0; i+width <= len(secret); i++ {
			part := secret[i : i+width]
			if strings.Contains(cleaned, part) && !strings.Contains(public, part) {
				return part
			}
		}
	}
	return ""
}
