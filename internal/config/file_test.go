package config

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func written(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func loaded(t *testing.T, path string) *File {
	t.Helper()
	f, err := Read(path)
	if err == nil {
		_, err = f.Load()
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestReplaces: what is empty, or a part of what was there, does not take its place.
func TestReplaces(t *testing.T) {
	dir := t.TempDir()
	const text = "targets:\n- app: a\n  url: http://10.0.0.1/path\n- app: b\n  url: http://10.0.0.2\n"
	old := loaded(t, written(t, dir, "old.yml", text))
	for next, want := range map[string]string{
		"":                                     "has nothing in it",
		"\n \n":                                "has nothing in it",
		"# only a comment\n":                   "has nothing in it",
		"---\n":                                "has nothing in it",
		"---\n# more\n...\n":                   "has nothing in it",
		"null\n":                               "has nothing in it",
		"~":                                    "has nothing in it",
		"targets:\n":                           "has nothing in it",
		"targets:\nmodules: ~\n":               "has nothing in it",
		text[:strings.Index(text, "/path")]:    "within line 3",
		text[:strings.Index(text, "ath")]:      "within line 3",
		text[:strings.LastIndex(text, ".2")]:   "within line 5",
		text[:strings.LastIndex(text, "\n")]:   "",
		text[:strings.Index(text, "- app: b")]: "",
		"{}":                                   "",
		"targets: []":                          "",
		text:                                   "",
		text + "\n#x":                          "",
		"modules: {}\n":                        "",
	} {
		path := written(t, dir, "next.yml", next)
		f := loaded(t, path)
		err := f.Replaces(old)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path)) {
			t.Errorf("%q: %v, want %q", next, err, want)
		}
		if err := f.Replaces(loaded(t, written(t, dir, "blank.yml", "#\n"))); err != nil {
			t.Errorf("%q after a blank one: %s", next, err)
		}
	}
	sections := loaded(t, written(t, dir, "old.yml", "modules: {a: {prober: tcp}}\ntargets:\n- {app: a, url: 'http://10.0.0.1'}\n"))
	cut := loaded(t, written(t, dir, "next.yml", "modules: {a: {prober: tcp}}\ntargets:\n"))
	if err := cut.Replaces(sections); err == nil {
		t.Error("a file that ends before the value of its last key takes the place of the whole one")
	}
}

// TestReplacesIncluded: nor does an included file that has become empty or was cut off take
// away the modules that it had.
func TestReplacesIncluded(t *testing.T) {
	dir := t.TempDir()
	const text = "modules:\n  a: {prober: tcp, timeout: 12s}\n  b:\n    prober: http\n"
	main := written(t, dir, "c.yml", "modules_files: ['m*.yml']\n")
	file := written(t, dir, "m.yml", text)
	old := loaded(t, main)
	for next, want := range map[string]string{
		"":                                    "has nothing in it",
		"# only a comment\n":                  "has nothing in it",
		"---\n":                               "has nothing in it",
		"modules:\n":                          "has nothing in it",
		"modules:":                            "has nothing in it",
		"{}\n":                                "has nothing in it",
		"---\n{} # none\n":                    "has nothing in it",
		text[:strings.Index(text, "}")] + "}": "",
		text[:strings.Index(text, "  b")]:     "",
		text[:len(text)-1]:                    "",
		"modules: {}\n":                       "",
		"modules: {a: {prober: tcp}}\n":       "",
		text:                                  "",
	} {
		written(t, dir, "m.yml", next)
		f := loaded(t, main)
		err := f.Replaces(old)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file)) {
			t.Errorf("%q: %v, want %q", next, err, want)
		}
	}
	written(t, dir, "m.yml", "")
	blank := loaded(t, main)
	if err := loaded(t, main).Replaces(blank); err != nil {
		t.Errorf("what was empty may stay so: %s", err)
	}
	written(t, dir, "m2.yml", "")
	written(t, dir, "m.yml", text)
	if err := loaded(t, main).Replaces(old); err != nil {
		t.Errorf("an empty file has come: %s", err)
	}
	for _, name := range []string{"m.yml", "m2.yml"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := loaded(t, main).Replaces(old); err != nil {
		t.Errorf("the file is gone: %s", err)
	}
}

// TestReplacesWithALargeOne: one so large that its text is not kept may follow any.
func TestReplacesWithALargeOne(t *testing.T) {
	dir := t.TempDir()
	old := loaded(t, written(t, dir, "old.yml", "modules: {a: {prober: tcp}}\n"))
	large := loaded(t, written(t, dir, "large.yml", "modules: {a: {prober: tcp}}\n"+strings.Repeat("#"+strings.Repeat("x", 99)+"\n", maxRemembered/100)))
	for _, pair := range [][2]*File{{old, large}, {large, old}, {large, large}} {
		if err := pair[1].Replaces(pair[0]); err != nil {
			t.Error(err)
		}
	}
}

// TestSecondDocument: what would not be read is refused, here and in included files.
func TestSecondDocument(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"{}\n---\n{targets: []}\n":           "line 2: a second document begins",
		"---\n---\nmodules: {}\n":            "line 2: a second document begins",
		"{}\n...\n---\n":                     "a second document begins",
		"{}\n---\n a: [\n":                   "not valid YAML",
		"modules_files: [two.yml]\n":         "two.yml line 2: a second document begins",
		"modules_files: [late/../two.yml]\n": "two.yml",
	} {
		written(t, dir, "two.yml", "modules: {}\n---\nmodules: {a: {prober: tcp}}\n")
		if _, err := Load(written(t, dir, "c.yml", text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for _, text := range []string{"---\n{}\n", "---\n{}\n...\n", "%YAML 1.1\n---\n{}\n", "{}\n# ---\n"} {
		if _, err := Load(written(t, dir, "c.yml", text)); err != nil {
			t.Errorf("%q: %s", text, err)
		}
	}
}

// TestIncludedPipe: nobody writes to it, and it would hold up the reload.
func TestIncludedPipe(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.yml"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(written(t, dir, "c.yml", "modules_files: [pipe.yml]")); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Error(err)
	}
}

// TestChanged compares with what was read, however the file came to be another.
func TestChanged(t *testing.T) {
	dir := t.TempDir()
	path := written(t, dir, "c.yml", "modules_files: ['more*.yml', sub/one.yml]\n")
	f, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Load(); err == nil || f.Changed() {
		t.Fatalf("%v, changed: %v", err, f.Changed())
	}
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	written(t, dir, "sub/one.yml", "modules: {}\n")
	if !f.Changed() {
		t.Error("a file that was missing is there, and is not seen")
	}
	f = loaded(t, path)
	written(t, dir, "more.yml", "modules: {}\n")
	if !f.Changed() {
		t.Error("a new file of a pattern is not seen")
	}
	f = loaded(t, path)
	written(t, dir, "more.yml", "modules: {}\n")
	if f.Changed() {
		t.Error("a file that was written again as it was is taken for another")
	}
	written(t, dir, "more.yml", "modules: {a: {prober: tcp}}\n")
	if !f.Changed() || f.Settled(func() { written(t, dir, "more.yml", "modules: {}\n") }) || !f.Settled(func() {}) {
		t.Error("a change is not seen, or one that goes on is taken for done")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	missing, err := Read(path)
	if err == nil || missing.Changed() {
		t.Errorf("%v, changed: %v", err, missing.Changed())
	}
	written(t, dir, "c.yml", "{}")
	if !missing.Changed() {
		t.Error("a file that was missing is there, and is not seen")
	}
}
