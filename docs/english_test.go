package docs_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unwanted are phrases that were in the texts, comments and pages of this project and are
// not English, or are words of our own for what has a name, with what to say instead. They
// are in lower case.
var unwanted = []struct{ phrase, say string }{
	{"// tells whether", "reports whether"},
	{"has not the right", "lacks the … right"},
	{"which there is no", "unknown …"},
	{"there is none of", "unknown …; not found; not supported"},
	{"meant is perhaps", "did you mean …?"},
	{"belongs into", "belongs in"},
	{"belong into", "belong in"},
	{"left away", "omitted"},
	{"leave one away", "omit one"},
	{"oftener", "more often"},
	{"fine again", "recovered"},
	{"healthy still", "still (un)healthy"},
	{"the watchman", "monitoring the exporter itself"},
	{"whoever becomes", "a target that becomes"},
	{"thousand are fine", "tested with …"},
	{"at the most", "at most"},
	{"good for nothing", "useless"},
	{"not known any more", "no longer known"},
	{"nobody listens", "nothing listens"},
	{"times of maintenance", "maintenance windows"},
	{"unburied", "tombstone"},
	{"regraves", "tombstone"},
	{" grave ", "tombstone"},
	{" graves ", "tombstones"},
	{"maintenancebook", "maintenance windows"},
	{"well again", "recovered"},
	{"there twice", "given twice"},
	{"the clock on the wall", "the wall clock"},
	{"has its figures", "are its metrics"},
	{"says goodbye", "sends a goodbye (mDNS); closes the connection"},
	{"may be called at the same time", "is safe for concurrent use"},
}

// forms are the same with a word between.
var forms = map[*regexp.Regexp]string{
	regexp.MustCompile(`// [a-z.]+ tells (whether|that) `): "reports whether",
	regexp.MustCompile(`[^e] is no (absolute |valid )?(url|name|network|method|size|address|port|type|class|host|label|state|moment|number|key|file|dump|scheme|cel|expression|ip|websocket|dns)\b`): "is not a valid …",
}

// TestUnwantedPhrases: what was once mended does not come back.
func TestUnwantedPhrases(t *testing.T) {
	comment := regexp.MustCompile(`\n\s*(//|#) ?`)
	paths := textFiles(t)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// A comment is one text wherever its lines are broken, after the // that begins it.
		joined := bytes.ToLower(comment.ReplaceAll(text, []byte(" ")))
		text = bytes.ToLower(text)
		for _, u := range unwanted {
			if bytes.Contains(joined, []byte(u.phrase)) || bytes.Contains(text, []byte(u.phrase)) {
				t.Errorf("%s has %q; say: %s", path, u.phrase, u.say)
			}
		}
		for form, say := range forms {
			if found := form.Find(text); found != nil {
				t.Errorf("%s has %q; say: %s", path, found, say)
			}
		}
	}
	if len(paths) < 500 {
		t.Errorf("only %d files are read: the test looks in the wrong place", len(paths))
	}
}

// textFiles are the files of the tree that people read, but for this one.
func textFiles(t *testing.T) (paths []string) {
	t.Helper()
	kinds := []string{".go", ".md", ".yml", ".yaml", ".tmpl", ".html", ".js", ".sh", ".py", ".example", ".golden"}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root:
			return fs.SkipDir
		case d.IsDir() || d.Name() == "english_test.go":
		case slices.Contains(kinds, filepath.Ext(path)) || d.Name() == "Makefile":
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
