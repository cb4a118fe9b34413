package browser

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/internal/testneed"
)

// startBrowser starts Chromium, which ends with the test. It goes to no other host
// than this one.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	path := testneed.Program(t, "chromium", "chromium", "google-chrome")
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true),
	)
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(end)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting %s: %v", path, err)
	}
	return ctx
}

// tab is a page in the browser that notes whatever a page should not do.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu     sync.Mutex
	faults []string // guarded by mu
	status int64    // guarded by mu; of the document
}

func openTab(t *testing.T, in context.Context) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(in)
	t.Cleanup(cancel)
	tab := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, tab.note); err != nil {
		t.Fatal(err)
	}
	return tab
}

// note is called for each event of the page.
func (b *tab) note(event any) {
	fault := ""
	switch e := event.(type) {
	case *page.EventJavascriptDialogOpening:
		fault = "a dialog opens: " + e.Message
		go func() { // to call the browser from here would wait for itself
			_, _ = chromedp.Call(b.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{})
		}()
	case *runtime.EventExceptionThrown:
		fault = "a script fails: " + e.ExceptionDetails.Text
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			fault = fmt.Sprintf("the console has a %s", e.Type)
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			fault = fmt.Sprintf("the log has a %s of %s: %s (%s)", e.Entry.Level, e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			b.mu.Lock()
			b.status = e.Response.Status
			b.mu.Unlock()
		}
	}
	if fault != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.faults = append(b.faults, fault)
	}
}

// do runs steps that have to succeed.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, harness.StartLimit)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v", b.at(), err)
	}
}

// at is where the tab is.
func (b *tab) at() string {
	at, err := chromedp.Run(b.ctx, chromedp.Location())
	if err != nil {
		return err.Error()
	}
	return at
}

// eval evaluates an expression in the page.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, harness.StartLimit)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil && !errors.Is(err, chromedp.ErrJSUndefined) {
		b.t.Fatalf("%s: %s: %v", b.at(), expression, err)
	}
	return v
}

// wants fails the test unless the expression becomes true. Between two pages it has
// no meaning, which is not an error.
func (b *tab) wants(expression string) {
	b.t.Helper()
	harness.Await(b.t, harness.StartLimit, expression, func() error {
		ctx, cancel := context.WithTimeout(b.ctx, harness.StartLimit)
		defer cancel()
		is, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
		if err == nil && !is {
			err = errors.New("it is not so")
		}
		return err
	})
}

// takeFaults gives the faults since the last call.
func (b *tab) takeFaults() []string {
	eval[int](b, "1") // what the page has done before is reported before this is answered
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.faults
	b.faults = nil
	return list
}

// view is how somebody looks at a page.
type view struct {
	width  int64
	dark   bool
	script bool
}

var (
	desktop = view{width: 1280, script: true}
	phone   = view{width: 390, script: true}
)

func (v view) in(dark bool) view { v.dark = dark; return v }

func (v view) String() string {
	name := map[bool]string{true: "phone", false: "desktop"}[v.width < 500] + map[bool]string{true: "-dark", false: "-light"}[v.dark]
	if !v.script {
		name += "-noscript"
	}
	return name
}

// look sets how pages are looked at from now on.
func (b *tab) look(v view) {
	b.t.Helper()
	scheme := map[bool]string{true: "dark", false: "light"}[v.dark]
	b.do(chromedp.EmulateViewport(v.width, 900), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !v.script})
		if err != nil {
			return err
		}
		_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
}

// resize changes the width and nothing else.
func (b *tab) resize(width int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, 900))
}

// visit loads a page, which must answer with the status.
func (b *tab) visit(url string, status int64) {
	b.t.Helper()
	b.do(chromedp.Navigate(url))
	b.mu.Lock()
	got := b.status
	b.mu.Unlock()
	if got != status {
		b.t.Fatalf("%s: status %d, want %d", url, got, status)
	}
}

// keep writes a screenshot of the whole page (but not miles of it) to the artifacts.
func (b *tab) keep(name string) {
	b.t.Helper()
	height := min(eval[int64](b, "Math.ceil(document.documentElement.scrollHeight)"), 4000)
	width := eval[int64](b, "innerWidth")
	b.do(chromedp.EmulateViewport(width, height))
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatalf("%s: %v", b.at(), err)
	}
	dir := artifacts(b.t)
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.do(chromedp.EmulateViewport(width, 900))
}

// artifacts is the folder for what people may want to look at after the tests.
func artifacts(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("E2E_ARTIFACTS")
	if dir == "" {
		dir = filepath.Join(harness.Root(), "e2e", "artifacts")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestBrowserSeesFaults shows that the tests would see what they look for.
func TestBrowserSeesFaults(t *testing.T) {
	b := openTab(t, startBrowser(t))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.Error(w, "", http.StatusNotFound)
			return
		}
		fmt.Fprint(w, `<!DOCTYPE html><link rel="icon" href="data:,"><title>x</title>`+r.URL.Query().Get("page"))
	}))
	defer server.Close()
	for name, page := range map[string]string{
		"a dialog opens":    "<script>alert('hello')</script>",
		"a script fails":    "<script>nothing.at.all()</script>",
		"the console has":   "<script>console.error('oh')</script>",
		"Security Policy":   `<meta http-equiv="Content-Security-Policy" content="default-src 'none'"><script>alert('no')</script>`,
		"status of 404":     `<img src="missing.png">`,
		"which sticks out":  `<div style="width: 3000px">wide</div>`,
		"an injected <img>": `<img src="data:,">`,
	} {
		b.look(desktop)
		b.visit(server.URL+"/?page="+url.QueryEscape(page), http.StatusOK)
		all := append(b.takeFaults(), b.overflow(desktop.width)...)
		all = append(all, b.injected()...)
		if !slices.ContainsFunc(all, func(s string) bool { return strings.Contains(s, name) }) {
			t.Errorf("%s: not noticed, only %q", page, all)
		}
	}
}
