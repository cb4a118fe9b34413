package browser

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
)

// TestBrowserUse does with the pages what people do with them.
func TestBrowserUse(t *testing.T) {
	in := startBrowser(t)
	e := startFew(t)
	base := "http://" + e.Address
	open := func(t *testing.T, v view, path string) *tab {
		b := openTab(t, in)
		b.look(v)
		b.visit(base+path, http.StatusOK)
		return b
	}
	t.Run("links", func(t *testing.T) { followLinks(t, open(t, desktop, "/"), base) })
	for _, v := range []view{desktop, {width: 390}} {
		t.Run("filter "+v.String(), func(t *testing.T) { filterByKeyboard(open(t, v, "/")) })
		t.Run("folds "+v.String(), func(t *testing.T) { fold(open(t, v, "/")) })
		t.Run("buttons "+v.String(), func(t *testing.T) { pressButtons(open(t, v, "/targets/media%20centre"), e) })
	}
	t.Run("remove", func(t *testing.T) {
		b := open(t, phone, "/targets/short-lived")
		b.do(chromedp.Click(chromedp.CSS(".buttons summary")), chromedp.Click(chromedp.CSS("button.danger")))
		b.wants(`location.pathname === "/watch/"`)
		if _, err := e.Call(http.MethodGet, harness.TargetPath("short-lived"), nil, nil); err == nil || !strings.Contains(err.Error(), "404") {
			t.Errorf("the target is still there: %v", err)
		}
		b.clean()
	})
	t.Run("events", func(t *testing.T) { live(t, openTab(t, in), base+"/", e) })
	t.Run("refresh", func(t *testing.T) { refresh(open(t, desktop, "/"), e) })
}

// clean fails the test if the page has done what it should not.
func (b *tab) clean() {
	b.t.Helper()
	for _, f := range b.takeFaults() {
		b.t.Error(f)
	}
}

// followLinks goes wherever the pages lead, some steps far.
func followLinks(t *testing.T, b *tab, base string) {
	seen := map[string]bool{base + "/": true}
	next := []string{base + "/", base + "/public/"}
	links := 0
	for len(next) > 0 {
		at := next[0]
		next = next[1:]
		b.visit(at, http.StatusOK)
		if !eval[bool](b, `!!document.querySelector("link[rel=stylesheet]") && document.styleSheets.length === 1 && document.styleSheets[0].cssRules.length > 50`) {
			t.Errorf("%s has no style", at)
		}
		for _, link := range eval[[]string](b, `[...document.querySelectorAll("a[href], link[href]")].map(a => a.href)`) {
			link, _, _ = strings.Cut(link, "#")
			if seen[link] {
				continue
			}
			seen[link] = true
			u, err := url.Parse(link)
			if err != nil || !strings.HasPrefix(link, base+"/") {
				t.Errorf("%s leads out of the site, to %q", at, link)
				continue
			}
			if strings.HasPrefix(u.Path, prefix+"probe") || u.Path == prefix+"health" {
				continue // one probes, the other says 503 as a check fails
			}
			if err := harness.GetOK(link); err != nil {
				t.Errorf("%s has a dead link: %v", at, err)
			}
			links++
			if path := strings.TrimPrefix(u.Path, prefix); path == "public/" || strings.Contains(path, "targets/") && !strings.HasPrefix(path, "api/") || strings.HasPrefix(path, "checks/") {
				next = append(next, link)
			}
		}
	}
	t.Logf("%d links", links)
	if links < 20 {
		t.Errorf("only %d links", links)
	}
	b.takeFaults()
}

// filterByKeyboard fills in the form without a mouse.
func filterByKeyboard(b *tab) {
	b.do(chromedp.Focus(chromedp.CSS("input[type=search]")), chromedp.KeyEvent("attic"+kb.Enter))
	b.wants(`location.search.includes("q=attic") && !!document.querySelector("[role=status]")?.innerText.startsWith("1 of ")`)
	b.wants(`[...document.querySelectorAll(".rows th a")].map(a => a.innerText).join() === "media centre"`)
	b.do(chromedp.Focus(chromedp.CSS("input[type=search]")), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent("degraded"), chromedp.KeyEvent(kb.Tab+kb.Tab+kb.Enter))
	b.wants(`location.search.includes("state=degraded") && !!document.querySelector("[role=status]")?.innerText.startsWith("0 of ")`)
	b.clean()
}

// fold opens and shuts a group.
func fold(b *tab) {
	open := `[...document.querySelectorAll("details.group")].find(d => d.innerText.includes("home")).open`
	group := chromedp.Search(`//details[contains(@class,"group")]/summary[h2="home"]`)
	was := eval[bool](b, open)
	if was {
		b.t.Error("a group without a fault is open")
	}
	b.do(chromedp.Click(group))
	b.wants(open)
	b.do(chromedp.Focus(group), chromedp.KeyEvent(" "))
	b.wants("!" + open)
	b.clean()
}

// pressButtons has a target probed, paused and resumed from its page.
func pressButtons(b *tab, e *harness.Exporter) {
	press := func(name, notice string) {
		b.t.Helper()
		b.do(chromedp.Click(chromedp.Search(fmt.Sprintf(`//button[.=%q]`, name))))
		b.wants(fmt.Sprintf(`document.querySelector(".notice")?.innerText.startsWith(%q) ?? false`, notice))
	}
	press("Probe now", "Probed.")
	press("Pause", "Paused")
	b.wants(`document.querySelector(".headline").innerText.startsWith("paused") && ![...document.querySelectorAll("button")].some(x => x.innerText === "Probe now")`)
	press("Resume", "Resumed")
	press("Probe now", "Probed.")
	b.wants(`document.querySelector(".headline").innerText === "healthy"`)
	b.clean()
}

// live sees a page that never looks by itself change when something happens.
func live(t *testing.T, b *tab, at string, e *harness.Exporter) {
	b.look(desktop)
	never := page.AddScriptToEvaluateOnNewDocumentParams{Source: "window.setInterval = () => 0;"}
	if _, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, never); err != nil {
		t.Fatal(err)
	}
	b.visit(at, http.StatusOK)
	eval[bool](b, `window.before = document.querySelector("main"); true`)
	what := map[bool]string{true: "/pause", false: "/resume"}
	times := 0
	harness.Await(t, harness.StartLimit, "the page shows what happens", func() error { // again and again, until it listens
		times++
		e.MustCall(t, http.MethodPost, harness.TargetPath("nas")+what[times%2 == 1], nil, nil, http.StatusOK)
		if !eval[bool](b, `document.querySelector("main") !== window.before`) {
			return errors.New("it is the same page")
		}
		return nil
	})
	e.MustCall(t, http.MethodPost, harness.TargetPath("nas")+"/resume", nil, nil, http.StatusOK)
	b.clean()
}

// refresh has the page renew itself: it keeps what the reader has open and where the
// focus is, and says so when the exporter is gone.
func refresh(b *tab, e *harness.Exporter) {
	again := `document.dispatchEvent(new Event("visibilitychange")); true`
	home := `[...document.querySelectorAll("details.group")].find(d => d.innerText.includes("home"))`
	eval[bool](b, home+".open = true")
	eval[bool](b, `window.before = document.querySelector("main"); document.querySelector('.rows a[href="targets/certified"]').focus(); true`)
	e.MustCall(b.t, http.MethodPost, harness.TargetPath("mail")+"/pause", nil, nil, http.StatusOK)
	eval[bool](b, again)
	b.wants(`document.querySelector("main") !== window.before`)
	b.wants(home + ".open")
	b.wants(`document.activeElement.getAttribute("href") === "targets/certified"`)
	b.wants(`!document.querySelector(".troubled").innerText.includes("the target warns")`)
	b.wants(`document.getElementById("freshness").innerText === "refreshes by itself"`)

	eval[bool](b, `window.before = document.querySelector("main"); document.querySelector("input[type=search]").focus(); true`)
	eval[bool](b, again)
	b.wants(`document.querySelector("main") === window.before`) // who is writing is left alone
	eval[bool](b, `document.activeElement.blur(); true`)

	b.clean()
	b.t.Helper()
	e.Kill()
	eval[bool](b, again)
	b.wants(`document.getElementById("freshness").innerText.includes("is the exporter running?")`)
	b.wants(`document.getElementById("freshness").className === "unhealthy"`)
	b.takeFaults() // the browser itself says that the connection was refused
	e.Start(b.t)
	eval[bool](b, again)
	b.wants(`document.getElementById("freshness").innerText === "refreshes by itself"`)
}
