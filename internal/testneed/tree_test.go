package testneed

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root is where the module begins, as seen from here.
const root = "../.."

// TestNobodyElseSkips looks into every file that has to do with tests: a test that
// skips itself, or reads the variables of this package, escapes E2E_REQUIRE=all.
func TestNobodyElseSkips(t *testing.T) {
	files := 0
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && file != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		here := filepath.Dir(file) == filepath.Join(root, "internal", "testneed")
		if !strings.HasSuffix(file, ".go") || here {
			return nil
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files++
		for position, fault := range skips(parsed) {
			t.Errorf("%s: %s", set.Position(position), fault)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 300 {
		t.Errorf("%d files looked at: the test looks in the wrong place", files)
	}
}

// skips are the places at which a file skips tests by itself.
func skips(file *ast.File) map[token.Pos]string {
	found := map[token.Pos]string{}
	if !slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing"` }) {
		return found
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, n.Sel.Name) {
				found[n.Pos()] = "a test must not skip itself: what is missing is for package testneed to say"
			}
		case *ast.BasicLit:
			if slices.Contains([]string{`"E2E_REQUIRE"`, `"SOAK"`, `"SCREENSHOT"`, `"SCALE"`}, n.Value) {
				found[n.Pos()] = n.Value + " is for package testneed to read"
			}
		}
		return true
	})
	return found
}

func TestSkipsAreSeen(t *testing.T) {
	const source = `package p
import ("os"; "testing")
func TestX(t *testing.T) { t.Skip("a"); skip := t.SkipNow; skip(); if os.Getenv("SOAK") == "" { return } }
func FuzzX(f *testing.F) { f.Fuzz(func(g *testing.T, s string) { g.Skipf("b") }) }
`
	parsed, err := parser.ParseFile(token.NewFileSet(), "p.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	if found := skips(parsed); len(found) != 4 {
		t.Errorf("%d of 4 places are seen: %v", len(found), found)
	}
}
