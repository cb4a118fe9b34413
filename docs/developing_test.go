package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestPathsOfDeveloping holds the page for developers against the tree: each path on it
// exists, what is said to be in a file is in it, and no package is missing.
func TestPathsOfDeveloping(t *testing.T) {
	raw, err := os.ReadFile("developing.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	isPath := regexp.MustCompile(`^[a-z.][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)*$`)
	paths := map[string]bool{}
	for _, code := range regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(text, -1) {
		path := code[1]
		isFile := regexp.MustCompile(`\.(go|md|yml|tmpl|sh)$`).MatchString(path)
		if !isPath.MatchString(path) || strings.Contains(path, "NAME") || !isFile && !strings.Contains(path, "/") || slices.Contains(elsewhere, path) {
			continue
		}
		paths[path] = true
		if path == "doc.go" { // of each package
			continue
		}
		if _, err := os.Stat(filepath.Join(root, path)); err != nil {
			t.Errorf("the page names %s: %v", path, err)
		}
	}
	if len(paths) < 80 {
		t.Errorf("only %d paths are found: the test looks in the wrong place", len(paths))
	}
	within := regexp.MustCompile("`([A-Za-z]+)` in `([a-z_/]+\\.go)`").FindAllStringSubmatch(text, -1)
	if len(within) < 20 {
		t.Errorf("only %d names in files are found: the test looks in the wrong place", len(within))
	}
	for _, m := range within {
		if !declared(t, m[2], m[1]) {
			t.Errorf("the page says that %s is in %s, which does not declare it", m[1], m[2])
		}
	}
	for _, folder := range packages(t) {
		if _, err := os.Stat(filepath.Join(root, folder, "doc.go")); folder != "." && err != nil && !isExample(folder) && !hasPackageComment(t, folder) {
			t.Errorf("%s has no package comment", folder)
		}
		if !strings.Contains(text, "`"+folder+"`") && folder != "." && filepath.Dir(folder) != "examples/kubernetes" {
			t.Errorf("the page does not name the package %s", folder)
		}
	}
}

// elsewhere are what looks like a path and is none of this tree.
var elsewhere = []string{"testing/synctest", "application/problem+json"}

func isExample(folder string) bool { return strings.HasPrefix(folder, "examples/") }

// declared reports whether a file has a declaration of that name.
func declared(t *testing.T, path, name string) bool {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Error(err)
		return false
	}
	return regexp.MustCompile(`(?m)^(func (\([^)]*\) )?|type |var |\t?)` + name + `\b`).Match(source)
}

// packages are the folders of the tree that have Go files.
func packages(t *testing.T) (folders []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != root) {
			return fs.SkipDir
		}
		if folder := filepath.Dir(path); filepath.Ext(path) == ".go" {
			if folder, err = filepath.Rel(root, folder); err == nil && !slices.Contains(folders, folder) {
				folders = append(folders, folder)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return folders
}

// hasPackageComment reports whether some file of the folder says what the package is.
func hasPackageComment(t *testing.T, folder string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if regexp.MustCompile(`(?m)^// Package [a-z0-9]+ `).Match(source) {
			return true
		}
	}
	return false
}
