package config

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/prober"
)

// modulesDoc is the page that describes modules.
const modulesDoc = "../../docs/modules.md"

func readModulesDoc(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(modulesDoc)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// examplesOf are the page's examples, with real files.
func examplesOf(t *testing.T) (examples []string) {
	t.Helper()
	files := makeFiles(t)
	for _, block := range yamlBlock.FindAllStringSubmatch(readModulesDoc(t), -1) {
		examples = append(examples, files.placed(block[1]))
	}
	if len(examples) < 15 {
		t.Fatalf("only %d examples found", len(examples))
	}
	return examples
}

func TestExamplesOfModulesLoad(t *testing.T) {
	for _, text := range examplesOf(t) {
		c, err := parse("c.yml", []byte(text))
		if err != nil {
			t.Errorf("%s\nin this example:\n%s", err, text)
			continue
		}
		for _, warning := range unexpected(c.Warnings(Known{})) {
			t.Errorf("warning %s\nin this example:\n%s", warning, text)
		}
	}
}

// TestEveryKeyHasAnExample wants each key once; kinds share many.
func TestEveryKeyHasAnExample(t *testing.T) {
	found := map[string]bool{}
	for _, text := range examplesOf(t) {
		for path := range given(t, text) {
			found[path] = true
		}
	}
	shown, where := map[string]bool{}, map[string]string{}
	for _, kind := range prober.Kinds() {
		for _, k := range keysOf(typeOfKind(t, kind), kind+".") {
			shown[k.same()] = shown[k.same()] || found[k.path]
			where[k.same()] = k.path
		}
	}
	for same, ok := range shown {
		if !ok {
			t.Errorf("no example has the key %s", where[same])
		}
	}
}

// docTables are the keys that the tables of the page describe: by the kind whose
// section it is, or "" for the section that kinds share, and by the key that the
// heading names, or "" for the kind's own.
type docTables map[string]map[string][]string

const sharedSection = "Keys that kinds share"

func tablesOf(t *testing.T) docTables {
	tables := docTables{}
	var kind string
	var headings []string
	inKeys := false
	code := regexp.MustCompile("`([^`]+)`")
	for line := range strings.Lines(readModulesDoc(t)) {
		line = strings.TrimSpace(line)
		title := strings.TrimLeft(line, "#")
		level := len(line) - len(title)
		title = strings.TrimSpace(title)
		switch {
		case level == 2:
			kind, headings = title, []string{""}
		case level > 2:
			headings = strings.Split(strings.ReplaceAll(title, "`", ""), ", ")
		case strings.HasPrefix(line, "| key |"):
			inKeys = true
		case !strings.HasPrefix(line, "|"):
			inKeys = false
		case inKeys && kind != "Start":
			first := strings.Split(line, "|")[1]
			for _, name := range code.FindAllStringSubmatch(first, -1) {
				for _, heading := range headings {
					if tables[kind] == nil {
						tables[kind] = map[string][]string{}
					}
					tables[kind][heading] = append(tables[kind][heading], name[1])
				}
			}
		}
	}
	return tables
}

// describes reports whether the page has a row for a key. A kind's own keys must
// stand in its own section; those below may stand where kinds share them.
func (d docTables) describes(kind, path string) bool {
	if slices.Contains(d[kind][""], path) {
		return true
	}
	steps := strings.Split(path, ".")
	for i := 1; i < len(steps); i++ {
		parent, rest := steps[i-1], strings.Join(steps[i:], ".")
		if slices.Contains(d[kind][parent], rest) || slices.Contains(d[sharedSection][parent], rest) {
			return true
		}
	}
	return false
}

func TestEveryKeyIsDescribed(t *testing.T) {
	tables := tablesOf(t)
	for _, kind := range prober.Kinds() {
		for _, k := range keysOf(typeOfKind(t, kind), "") {
			if !tables.describes(kind, k.path) {
				t.Errorf("the page does not describe the key %s of kind %s", k.path, kind)
			}
		}
	}
}

// TestNoOtherKeyIsDescribed finds keys that are gone or misspelt.
func TestNoOtherKeyIsDescribed(t *testing.T) {
	keys := map[string][]string{}
	for _, kind := range prober.Kinds() {
		for _, k := range keysOf(typeOfKind(t, kind), "") {
			keys[kind] = append(keys[kind], k.path)
			keys[sharedSection] = append(keys[sharedSection], k.path)
		}
	}
	for section, tables := range tablesOf(t) {
		for heading, names := range tables {
			for _, name := range names {
				if !slices.ContainsFunc(keys[section], func(path string) bool {
					return path == name || strings.HasSuffix("."+path, "."+heading+"."+name)
				}) {
					t.Errorf("section %s %s describes the key %s, which does not exist", section, heading, name)
				}
			}
		}
	}
}
