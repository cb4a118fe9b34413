package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func writeFiles(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestModulesFiles(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"c.yml":         "modules: {own: {prober: http}}\nmodules_files: [more/*.yml, none/*.yml]\ntargets: [{app: a, url: 'http://x', module: two}]",
		"more/one.yml":  "modules: {one: {prober: http, timeout: 3s}}",
		"more/two.yml":  "modules: {two: {prober: health}, http_2xx: {prober: http, timeout: 9s}}",
		"more/none.yml": "",
	})
	c, err := Load(filepath.Join(dir, "c.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for module, kind := range map[string]string{"own": "http", "one": "http", "two": "health"} {
		if got, ok := c.KindOf(module); !ok || string(got) != kind {
			t.Errorf("module %s is of kind %q, want %q", module, got, kind)
		}
	}
	if c.Modules["http_2xx"].Timeout() == 0 {
		t.Error("a built-in module could not be redefined")
	}
	if !strings.Contains(c.ModuleText("one"), "3s") {
		t.Errorf("text of an included module: %q", c.ModuleText("one"))
	}
}

func TestFaultsOfModulesFiles(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"c.yml":   "modules: {own: {prober: http}}\nmodules_files:\n- bad.yml\n- missing.yml\n- twice.yml\n- syntax.yml\n- '[x'",
		"bad.yml": "modules:\n  m:\n    prober: http\n    http: {wat: 1}\ntargets: []", "twice.yml": "modules: {own: {prober: http}}",
		"syntax.yml": "modules: [",
	})
	_, err := Load(filepath.Join(dir, "c.yml"))
	if err == nil {
		t.Fatal("no fault")
	}
	for _, want := range []string{
		"bad.yml line 4: unknown key", "bad.yml line 5: unknown key", "line 4: modules_files[1]: there is no file",
		"twice.yml: the module \"own\" is given in", "syntax.yml line 1: not valid YAML", "is not a valid pattern",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("lacks %q:\n%s", want, err)
		}
	}
}

// TestIncludedFileWithABracket: a file that is there as it is written is that file.
func TestIncludedFileWithABracket(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"c.yml":      "modules_files: ['m[1].yml']\n",
		"m[1].yml":   "modules: {one: {prober: tcp}}\n",
		"m1.yml":     "modules: {two: {prober: tcp}}\n",
		"other.yml":  "modules_files: ['m[2].yml']\n",
		"m2.yml":     "modules: {three: {prober: tcp}}\n",
		"broken.yml": "modules_files: ['m[.yml']\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for file, want := range map[string]string{"c.yml": "one", "other.yml": "three"} {
		f, err := Read(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		c, err := f.Load()
		if err != nil {
			t.Fatal(err)
		}
		if c.Modules[want] == nil || want == "one" && c.Modules["two"] != nil {
			t.Errorf("%s: module %s is missing, or there is one too many", file, want)
		}
		if len(f.now()) != 2 || f.Changed() {
			t.Errorf("%s consists of %v", file, f.now())
		}
	}
	if _, err := Load(filepath.Join(dir, "broken.yml")); err == nil {
		t.Error("a pattern that is none, and no file, is accepted")
	}
}
