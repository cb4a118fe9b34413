package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/prober"
)

var probeMetric = regexp.MustCompile(`^probe_[a-z0-9_]+$`)

// probeMetrics are the metrics that the sources name.
func probeMetrics(t *testing.T) []string {
	names := map[string]bool{}
	for _, folder := range []string{"prober", "internal/server"} {
		eachLiteral(t, folder, func(text string) {
			if probeMetric.MatchString(text) {
				names[text] = true
			}
		})
	}
	return slices.Sorted(maps.Keys(names))
}

// eachLiteral calls f for each text in the sources of a folder.
func eachLiteral(t *testing.T, folder string, f func(text string)) {
	for _, file := range sourcesOf(t, folder) {
		ast.Inspect(file, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if text, err := strconv.Unquote(literal.Value); err == nil {
					f(text)
				}
			}
			return true
		})
	}
}

func sourcesOf(t *testing.T, folder string) (files []*ast.File) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// TestModulesDocNamesEveryMetric holds the page on modules against the sources,
// in both directions.
func TestModulesDocNamesEveryMetric(t *testing.T) {
	text, err := os.ReadFile("modules.md")
	if err != nil {
		t.Fatal(err)
	}
	emitted := probeMetrics(t)
	if len(emitted) < 40 {
		t.Fatalf("only %d metrics found in the sources: %s", len(emitted), emitted)
	}
	named := regexp.MustCompile(`\bprobe_[a-z0-9_]+`).FindAllString(string(text), -1)
	for _, name := range emitted {
		if !slices.Contains(named, name) {
			t.Errorf("modules.md does not name %s", name)
		}
	}
	for _, name := range named {
		if !slices.Contains(emitted, name) {
			t.Errorf("modules.md names %s, which does not exist", name)
		}
	}
}

// TestModulesDocNamesEveryReasonAndPhase looks for the rows of the tables.
func TestModulesDocNamesEveryReasonAndPhase(t *testing.T) {
	text, err := os.ReadFile("modules.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "\n| reason |")
	reasons, phases, ok := strings.Cut(after, "\n| phase |")
	if !ok {
		t.Fatal("the tables of reasons and phases are not found")
	}
	phases, _, _ = strings.Cut(phases, "\n\n")
	row := regexp.MustCompile("(?m)^\\| `([a-z]+)` \\|")
	rows := func(table string) (words []string) {
		for _, match := range row.FindAllStringSubmatch(table, -1) {
			words = append(words, match[1])
		}
		return words
	}
	var want []string
	for _, reason := range prober.Reasons() {
		want = append(want, string(reason))
	}
	if got := rows(reasons); !slices.Equal(got, want) {
		t.Errorf("reasons:\n got %s\nwant %s", got, want)
	}
	if got, want := rows(phases), phasesInSources(t); !slices.Equal(got, want) {
		t.Errorf("phases:\n got %s\nwant %s", got, want)
	}
}

// phasesInSources are the constants of type Phase but the empty one.
func phasesInSources(t *testing.T) (phases []string) {
	for _, file := range sourcesOf(t, "prober") {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			kind, isName := spec.Type.(*ast.Ident)
			value, isText := spec.Values[0].(*ast.BasicLit)
			if isName && kind.Name == "Phase" && isText && value.Value != `""` {
				text, err := strconv.Unquote(value.Value)
				if err != nil {
					t.Fatal(err)
				}
				phases = append(phases, text)
			}
			return true
		})
	}
	return phases
}

// TestLinksOfDocs follows the links from one document to another, and to their
// headings.
func TestLinksOfDocs(t *testing.T) {
	docs, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	found := 0
	for _, doc := range append(docs, "../README.md") {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			found++
			file, heading, _ := strings.Cut(match[1], "#")
			path := doc
			if file != "" {
				path = filepath.Join(filepath.Dir(doc), file)
			}
			if to, err := os.ReadFile(path); err != nil {
				t.Errorf("%s: %s", doc, err)
			} else if heading != "" && !slices.Contains(anchorsOf(string(to)), heading) {
				t.Errorf("%s: %s has no heading #%s", doc, path, heading)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d links found", found)
	}
}

// anchorsOf are the names of the headings as hosts of Markdown make them.
func anchorsOf(text string) (anchors []string) {
	inCode := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "```") {
			inCode = !inCode
		}
		if inCode || !strings.HasPrefix(line, "#") {
			continue
		}
		title := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
		title = regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(title, "")
		anchors = append(anchors, strings.ReplaceAll(title, " ", "-"))
	}
	return anchors
}
