package docs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/envinfo"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/selfmetrics"
)

const libraryDoc = "library.md"

// prelude goes before the pieces of Go on a page, so that they can be compiled: what
// they may use, and what they are the inside of.
const prelude = `package main

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/health-exporter/health_exporter/checks"
	"github.com/health-exporter/health_exporter/client"
	"github.com/health-exporter/health_exporter/envinfo"
	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/health"
)

var (
	_ = subtle.ConstantTimeCompare
	_ = fmt.Errorf
	_ = slog.Default
	_ = netip.ParseAddrPort
	_ = os.Getenv
	_ = time.Second
	_ = checks.ParseAmount
	_ = client.Register
	_ = redact.Text
)

func main() {}
`

// TestGoOfDocsCompiles builds the whole programs, and the pieces all at once.
func TestGoOfDocsCompiles(t *testing.T) {
	pieces := prelude
	for _, doc := range []string{libraryDoc, "../README.md", "zeroconf.md"} {
		for _, block := range codeBlocks(t, doc, "go") {
			if strings.HasPrefix(block, "package ") {
				built(t, block)
				continue
			}
			pieces += "\nfunc _(ctx context.Context, checker *health.Checker, mux *http.ServeMux, db *sql.DB) error {\n" +
				block + "\nreturn nil\n}\n"
		}
	}
	built(t, strings.ReplaceAll(pieces, "checker := &health.Checker", "checker = &health.Checker"))
}

// libraryMux has the endpoints of the page and the three checks that it tells of.
func libraryMux(t *testing.T, details func(*http.Request) bool) http.Handler {
	t.Helper()
	checker, err := health.New(
		health.Check{Name: "database", Remote: true, Run: func(ctx context.Context) error {
			health.Say(ctx, "database ok")
			health.Observe(ctx, "connections", 3, "connections")
			return nil
		}},
		health.Check{Name: "disk", Run: func(context.Context) error { return health.Warning(errors.New("/: 8.1 % free")) }},
		health.Check{Name: "queue", Run: func(context.Context) error { return errors.New("112 orders are waiting") }},
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := checker.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	env := &envinfo.Environment{}
	if err := env.AddValue("application", map[string]any{"version": "1.4.2", "api_key": "swordfish"}); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/livez", &health.Group{Checker: checker, Group: health.Live, Details: details})
	mux.Handle("/readyz", &health.Group{Checker: checker, Group: health.Ready, Details: details})
	mux.Handle("/healthz/{name}", &health.Healthz{Checker: checker, Details: details})
	mux.Handle("/healthcheck", &health.Healthcheck{Checker: checker, Details: details})
	mux.Handle("/health", &health.ReportHandler{
		Checker: checker, Details: details, About: health.Report{Version: "1", Description: health.DescriptionFor("shop")},
	})
	mux.Handle("/environment", env)
	return mux
}

// withoutTimes is a JSON text on one line, with what differs from run to run left out.
func withoutTimes(text string) string {
	var line bytes.Buffer
	if json.Compact(&line, []byte(text)) != nil {
		return strings.TrimSpace(text)
	}
	for pattern, same := range map[string]string{
		`"time":"\d{4}-\d\d-\d\dT[^"]+"`:                  `"time":"T"`,
		`"(timestamp|expires|response_time)":\d[\d.e+-]*`: `"$1":0`,
		`"hostname":"[^"]+"`:                              `"hostname":"h"`,
		`"observedValue":[\d.e+-]+,"observedUnit":"ms"`:   `"observedValue":0,"observedUnit":"ms"`,
	} {
		line = *bytes.NewBuffer(regexp.MustCompile(pattern).ReplaceAll(line.Bytes(), []byte(same)))
	}
	return line.String()
}

// TestAnswersOfEndpoints compares each answer that the page shows with what the
// handlers answer, down to the order of members.
func TestAnswersOfEndpoints(t *testing.T) {
	text, err := os.ReadFile(libraryDoc)
	if err != nil {
		t.Fatal(err)
	}
	known, stranger := libraryMux(t, health.Everyone), libraryMux(t, nil)
	shown := regexp.MustCompile("(?s)\n`GET (/[^`]*)` answers (a stranger )?(\\d+):\n\n```[a-z]+\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if n := strings.Count(string(text), "\n`GET /"); n != len(shown) || n < 12 {
		t.Fatalf("%d answers are announced, %d are found", n, len(shown))
	}
	for _, m := range shown {
		path, who, code, want := m[1], m[2], m[3], m[4]
		mux := known
		if who != "" {
			mux = stranger
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if fmt.Sprint(w.Code) != code || withoutTimes(w.Body.String()) != withoutTimes(want) {
			t.Errorf("GET %s %sanswers %d\n%s\nthe page says %s\n%s", path, who, w.Code, withoutTimes(w.Body.String()), code, withoutTimes(want))
		}
	}
}

// TestDefaultsOfChecks compares the defaults that the page tells.
func TestDefaultsOfChecks(t *testing.T) {
	text, err := os.ReadFile(libraryDoc)
	if err != nil {
		t.Fatal(err)
	}
	for field, value := range map[string]time.Duration{
		"Timeout": health.DefaultCheckTimeout, "PassTTL": health.DefaultPassTTL, "FailTTL": health.DefaultFailTTL, "MaxAge": health.DefaultMaxAge,
	} {
		row := fmt.Sprintf("\n| `%s` | %s |", field, strings.Replace(value.String(), "m0s", "m", 1))
		if !strings.Contains(string(text), row) {
			t.Errorf("the page does not have %q", row)
		}
	}
	for _, said := range []string{
		fmt.Sprintf("`Budget` (%s)", health.DefaultBudget),
		fmt.Sprintf("the time of drain (%d s;", int(health.DefaultDrain.Seconds())),
		fmt.Sprintf("`UNHEALTHY` after %d failures in a row, `HEALTHY` after %d passes", health.DefaultUnhealthy, health.DefaultHealthy),
	} {
		if !strings.Contains(string(text), said) {
			t.Errorf("the page does not say %q", said)
		}
	}
	_, err = health.New(health.Check{Name: "database", Run: func(context.Context) error { return nil }, Remote: true, Groups: []string{health.Live}})
	if err == nil || !strings.Contains(string(text), err.Error()) {
		t.Errorf("the page does not have the error %v", err)
	}
}

// TestEveryCheckIsNamed holds the table of ready-made checks against the sources, in
// both directions.
func TestEveryCheckIsNamed(t *testing.T) {
	text, err := os.ReadFile(libraryDoc)
	if err != nil {
		t.Fatal(err)
	}
	exported := map[string]bool{}
	for _, folder := range []string{"checks", "checks/amqp", "checks/celery", "checks/probe"} {
		for _, file := range sourcesOf(t, folder) {
			for _, declared := range file.Decls {
				name, isCheck := declares(declared)
				name = filepath.Base(folder) + "." + name
				exported[name] = true
				if isCheck && !strings.Contains(string(text), "`"+name+"`") {
					t.Errorf("the page does not name the check %s", name)
				}
			}
		}
	}
	for _, m := range regexp.MustCompile("`((?:checks|amqp|celery|probe)\\.[A-Z][A-Za-z]*)`").FindAllStringSubmatch(string(text), -1) {
		if !exported[m[1]] {
			t.Errorf("the page names %s, which does not exist", m[1])
		}
	}
}

// TestMetricsOfDocsExist looks for metrics that the pages for programmers name and the
// collector does not have.
func TestMetricsOfDocsExist(t *testing.T) {
	for _, doc := range []string{libraryDoc, registeringDoc} {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`\bhealth_(check|target|environment)_[a-z_]+`).FindAllString(string(text), -1)
		for _, name := range names {
			if !slices.Contains(slices.Concat(collector.Names(), selfmetrics.Names()), name) {
				t.Errorf("%s names %s, which does not exist", doc, name)
			}
		}
		if len(names) == 0 {
			t.Errorf("%s names no metric: the test looks in the wrong place", doc)
		}
	}
}

// declares is the name that a declaration is about, and whether it makes it a check.
func declares(d ast.Decl) (name string, isCheck bool) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return d.Name.Name, false
		}
		receiver := d.Recv.List[0].Type
		if star, ok := receiver.(*ast.StarExpr); ok {
			receiver = star.X
		}
		if id, ok := receiver.(*ast.Ident); ok && d.Name.Name == "Run" && id.IsExported() {
			return id.Name, true
		}
	case *ast.GenDecl:
		if spec, ok := d.Specs[0].(*ast.TypeSpec); ok {
			return spec.Name.Name, false
		}
	}
	return "", false
}
