package main_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/health-exporter/health_exporter"

// importRule says what the packages of a folder, and of those below it without a rule
// of their own, may import directly, besides the standard library. Tests may import more.
type importRule struct {
	folder  string
	allowed []string // of ours by folder; of others all but what is after "!", or only what is after "="
	why     string
}

var importRules = []importRule{
	{"health/grpchealth", []string{"health"}, "whoever serves gRPC has gRPC, others need not"},
	{"health", nil, "it is linked into other people's programs"},
	{"envinfo/redact", nil, "it is linked into other people's programs"},
	{"envinfo", []string{"envinfo/redact"}, "it is linked into other people's programs"},
	{"checks/probe", []string{"checks", "health", "prober"}, "whoever checks by a probe has the probes' libraries, others need not; it probes once and keeps no schedule"},
	{"checks", []string{"health", "internal/names", "!prometheus", "!yaml"}, "nobody pays for a check that he does not use"},
	{"client/api", nil, "it is linked into other people's programs, and the server writes by it what the client reads"},
	{"client", []string{"client/api", "health", "internal/dnssd", "!grandcat", "!miekg"}, "it is linked into other people's programs"},
	{"prober/schedule", []string{"prober", "health", "internal/sorted"}, "it decides when to probe and what the results add up to; how to probe is not its business"},
	{"prober", []string{"health", "envinfo/redact", "internal/mailaddress", "!client_golang", "!yaml"}, "it probes once; when, who shows the results, and where targets come from, is not its business"},
	{"collector", []string{"prober", "prober/schedule", "health", "envinfo", "!yaml"}, "it turns snapshots into metrics and knows no source of them"},
	{"alerting/alertmanager", []string{"alerting", "health", "!client_golang", "!yaml"}, "it is a way out: it is told what is worth telling, and knows no other way"},
	{"alerting/mail", []string{"alerting", "health", "internal/mailaddress", "!client_golang", "!yaml"}, "it is a way out: it is told what is worth telling, and knows no other way"},
	{"alerting/maintenance", []string{"alerting", "internal/durable", "!client_golang", "!yaml"}, "it keeps when nothing is told; who would be told of what is not its business"},
	{"alerting/outbox", []string{"alerting", "alerting/mail", "health", "internal/durable", "!client_golang", "!yaml"}, "it says who is told when; it is handed whoever carries the mails"},
	{"alerting", []string{"health", "internal/names", "!client_golang", "!yaml"}, "it knows transitions, not probes, and no way out"},
	{"internal/strictyaml", []string{"envinfo/redact", "internal/names", "!prometheus/prometheus", "!client_golang"}, "it decodes whatever types it is given and knows no key of its own"},
	{"internal/strictjson", nil, "it decodes whatever struct it is given and knows no field of its own"},
	{"internal/registration", []string{"client/api", "prober", "internal/strictjson"}, "it turns targets into the API's words; who speaks them is not its business"},
	{"internal/config", []string{"envinfo/redact", "prober", "health", "checks", "checks/amqp", "checks/celery", "internal/names", "internal/strictyaml", "internal/dnssd", "internal/durable", "!client_golang"}, "a file becomes values; nothing is opened, started or scheduled"},
	{"internal/durable", []string{"=go.etcd.io/bbolt"}, "it knows how files survive, and nothing of what is in them"},
	{"internal/journal", []string{"health", "internal/durable", "!client_golang", "!yaml"}, "it keeps what happened, in order; who reads it is not its business"},
	{"internal/registry", []string{"prober", "prober/schedule", "health", "internal/durable", "internal/sorted", "!client_golang", "!yaml"}, "it keeps targets and knows neither files nor HTTP"},
	{"internal/history", []string{"health", "internal/durable", "!client_golang", "!yaml"}, "it keeps which subject was in which state when; who found that out is not its business"},
	{
		"internal/discovery",
		[]string{"prober", "internal/durable", "internal/names", "!discovery/install", "!yaml"},
		"it finds targets by Prometheus' own code; the jobs reach it as values",
	},
	{
		"internal/selfmetrics",
		[]string{"prober", "prober/schedule", "alerting/outbox", "alerting/alertmanager", "internal/registry", "internal/journal", "internal/history", "internal/discovery", "internal/zeroconf", "!yaml"},
		"it reads what the parts say of themselves, so that nobody need copy it",
	},
	{"internal/mailaddress", nil, "it says what an address is, to whoever has one"},
	{"internal/orphans", nil, "it waits for processes, whoever has left them behind"},
	{"internal/sorted", nil, "it keeps an order, whatever is in it"},
	{"internal/names", nil, "it says what a pattern means and which name is meant, to whoever has one"},
	{"internal/dnssd", nil, "it is linked into other people's programs, with the client"},
	{"internal/zeroconf", []string{"prober", "internal/dnssd", "internal/names", "internal/durable", "!client_golang", "!yaml"}, "it finds and announces on the network"},
	{"internal/cluster", []string{"prober", "internal/durable", "!client_golang", "!yaml"}, "it says who owns a target"},
	{"internal/testneed", nil, "the tests of health and envinfo use it, which are linked into other people's programs"},
	{"internal/testport", nil, "the tests of the libraries use it, which are linked into other people's programs"},
	{"internal/server/access", []string{"prober", "!yaml"}, "it says who asks and what he may; what there is to do is not its business"},
	{"internal/server/connections", []string{"internal/server/access", "=golang.org/x/sys"}, "it counts connections, and knows nothing of what is asked over them"},
	{
		"internal/server",
		[]string{
			"prober", "prober/schedule", "health", "checks", "envinfo/redact", "collector", "client/api",
			"internal/names", "internal/registration", "internal/registry", "internal/journal", "internal/history", "internal/server/access", "internal/strictjson", "!yaml",
		},
		"it parses, calls and renders; the configuration reaches it as values, and it answers in the types that clients read",
	},
	{"internal/cli", []string{"prober", "health", "client", "client/api", "internal/dnssd", "internal/names", "envinfo", "internal/registration", "internal/registry", "!client_golang", "!yaml"}, "it talks to a person; main tells it with what"},
	{
		"internal/app",
		[]string{
			"prober", "prober/schedule", "health", "checks", "envinfo", "envinfo/redact", "collector", "alerting",
			"alerting/alertmanager", "alerting/mail", "alerting/maintenance", "alerting/outbox",
			"internal/config", "internal/registry", "internal/journal", "internal/history", "internal/server", "internal/server/access", "internal/server/connections", "internal/zeroconf", "internal/cluster",
			"internal/discovery", "internal/dnssd", "internal/selfmetrics", "internal/durable", "internal/strictyaml",
		},
		"it wires everything",
	},
}

// standardOnly are the folders without any module but the standard library.
var standardOnly = []string{"health", "envinfo", "envinfo/redact", "internal/testneed", "internal/testport", "client/api", "internal/strictjson"}

func TestImports(t *testing.T) {
	for folder, imports := range importsByFolder(t) {
		for _, name := range []string{"util", "utils", "common", "types", "pkg", "helpers", "misc"} {
			if path.Base(folder) == name {
				t.Errorf("%s: the name says nothing about what is in it", folder)
			}
		}
		rule, ok := ruleFor(folder)
		if !ok {
			continue
		}
		for _, imported := range imports {
			if !rule.allows(imported) {
				t.Errorf("%s must not import %s: %s", folder, imported, rule.why)
			}
		}
	}
}

// ruleFor finds the rule of the folder, or that of the nearest one above it.
func ruleFor(folder string) (importRule, bool) {
	for ; folder != "."; folder = path.Dir(folder) {
		if i := slices.IndexFunc(importRules, func(r importRule) bool { return r.folder == folder }); i >= 0 {
			return importRules[i], true
		}
	}
	return importRule{}, false
}

func (r importRule) allows(imported string) bool {
	if !strings.Contains(strings.Split(imported, "/")[0], ".") {
		return true // the standard library
	}
	if ours, ok := strings.CutPrefix(imported, module+"/"); ok {
		owner, ruled := ruleFor(ours)
		return ruled && owner.folder == r.folder || slices.Contains(r.allowed, ours)
	}
	if slices.Contains(standardOnly, r.folder) {
		return false
	}
	only, listed := false, false
	for _, entry := range r.allowed {
		if forbidden, ok := strings.CutPrefix(entry, "!"); ok && strings.Contains(imported, forbidden) {
			return false
		}
		if one, ok := strings.CutPrefix(entry, "="); ok {
			only, listed = true, listed || imported == one || strings.HasPrefix(imported, one+"/")
		}
	}
	return !only || listed
}

func TestOnlyMainImportsApp(t *testing.T) {
	for folder, imports := range importsByFolder(t) {
		if folder != "." && slices.Contains(imports, module+"/internal/app") {
			t.Errorf("%s imports internal/app: only main may, or the arrows would run in circles", folder)
		}
	}
}

// harness is what the end-to-end tests share: not a part of any program.
const harness = "e2e/internal/harness"

func TestOnlyTestsImportTestHelpers(t *testing.T) {
	for folder, imports := range importsByFolder(t) {
		for _, helper := range []string{"/internal/testneed", "/internal/testport", "/" + harness} {
			if folder != harness && slices.Contains(imports, module+helper) {
				t.Errorf("%s imports %s outside of its tests: no program needs package testing", folder, helper)
			}
		}
	}
}

// TestOnlyDurableWritesFiles: what survives a crash, a full disk and damage is written in
// one place.
func TestOnlyDurableWritesFiles(t *testing.T) {
	its := regexp.MustCompile(`\bos\.(Rename|Link|WriteFile|CreateTemp|Create)\(|\bb?bolt\.Open\(|\bENOSPC\b|\.Sync\(\)|\bFlock\(`)
	others := map[string]string{
		"internal/registry/files.go": "it finds out early whether the directory can be written to",
		"examples/embedded/main.go":  "its check of that shows how to write one",
	}
	seen := 0
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && file != ".":
			return fs.SkipDir
		case !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		file = filepath.ToSlash(file)
		for _, found := range its.FindAll(text, -1) {
			switch {
			case path.Dir(file) == "internal/durable":
				seen++
			case path.Dir(file) == harness: // its files end with the test
			case others[file] == "":
				t.Errorf("%s: %s…: it is internal/durable that writes files", file, found)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 8 {
		t.Errorf("only %d of them in internal/durable: the test looks for the wrong things", seen)
	}
}

// importsByFolder lists the direct imports of all packages, tests left out.
func importsByFolder(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && file != "." {
			return fs.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		folder := filepath.ToSlash(filepath.Dir(file))
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			found[folder] = append(found[folder], imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found["prober"]) == 0 {
		t.Fatal("no imports of prober found: the test looks in the wrong place")
	}
	return found
}
