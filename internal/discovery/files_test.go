package discovery

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/targetgroup"
)

// TestHasSeveral looks for the documents that Prometheus' code does not read.
func TestHasSeveral(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sd.yml")
	for text, want := range map[string]bool{
		"":                                    false,
		"---\n[]\n":                           false,
		"# x\n\n%YAML 1.1\n---\n[]\n...\n":    false,
		"- targets: [a]\n":                    false,
		"- targets: [a---]\n  # ---\n ---\n":  false,
		"- targets: [a]\n...\n# the end\n":    false,
		"- targets: [a]\n---\n":               true,
		"---\n---\n- targets: [a]\n":          true,
		"- targets: [a]\r\n--- # more\r\n[]":  true,
		"- targets: [a]\n--- [{targets: []}]": true,
		"- targets: [a]\n...\n- x\n":          true,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := hasSeveral(path); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if hasSeveral(filepath.Join(t.TempDir(), "missing.yml")) {
		t.Error("a file that is missing has documents")
	}
}

// TestFilesThatChangeMeanwhile: of a file that has something else than what was read of it
// nothing is taken in, unless it was read long ago.
func TestFilesThatChangeMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lan.yml")
	group := func(address string) *targetgroup.Group {
		return &targetgroup.Group{Source: path + ":0", Labels: model.LabelSet{}, Targets: []model.LabelSet{{model.AddressLabel: model.LabelValue(address)}}}
	}
	for name, test := range map[string]struct {
		text string
		age  time.Duration
		want int
	}{
		"as it was read":            {"- targets: [a:1]\n", 0, 1},
		"another file by now":       {"oops: [", 0, 0},
		"empty by now":              {"", 0, 0},
		"written long before":       {"- targets: ['\\x61:1']\n", time.Minute, 1},
		"several documents":         {"- targets: [a:1]\n---\n- targets: [b:1]\n", 0, 0},
		"with the target elsewhere": {"- targets: [b:1, a:1]\n", 0, 1},
	} {
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-test.age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		whole, several := wholeFiles([]*targetgroup.Group{nil, group("a:1")})
		if len(whole) != test.want || (len(several) > 0) != (name == "several documents") {
			t.Errorf("%s: %d groups, several documents in %q", name, len(whole), several)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if whole, _ := wholeFiles([]*targetgroup.Group{{Source: path + ":0"}}); len(whole) != 1 {
		t.Error("that a file is gone is not taken in")
	}
}

// TestSeveralDocumentsAreNotNone: of a file with more documents than were read it is not
// said that it has no targets, whether it had some before or has not been read yet.
func TestSeveralDocumentsAreNotNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lan.yml")
	for _, text := range []string{"- targets: [a:1]\n---\n- targets: [b:1]\n", "# first\n---\n---\n- targets: [b:1]\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		source := path + ":0"
		fresh := &unit{groups: map[string]*targetgroup.Group{}, held: map[string]bool{}}
		held := &unit{groups: map[string]*targetgroup.Group{source: {Source: source}}, held: map[string]bool{source: true}}
		for name, u := range map[string]*unit{"fresh": fresh, "held": held} {
			if emptied, several := u.addFiles(nil, []string{path}); len(emptied) > 0 || len(several) != 1 || u.answered {
				t.Errorf("%s, %q: without targets %q, several documents in %q, answered %v", name, text, emptied, several, u.answered)
			}
		}
		if len(held.groups) != 1 {
			t.Error("what the file had is gone")
		}
	}
}
