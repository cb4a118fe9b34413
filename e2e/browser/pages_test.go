package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
)

// shown is a page as the tests look at it.
type shown struct {
	name   string // of the screenshots
	url    string
	title  string // how the title begins
	says   string // what stands in the verdict
	status int64
	hasty  bool // two views are enough
}

// views are the ways to look at a page.
func (p shown) views() []view {
	if p.hasty {
		return []view{desktop.in(true), {width: 390}}
	}
	return []view{desktop, phone, desktop.in(true), phone.in(true), {width: 1280}, {width: 390, dark: true}}
}

// TestBrowserPages looks at all pages of exporters with none, some, 200 and 10 000
// targets: on a desktop and on a phone, light and dark, with and without JavaScript.
func TestBrowserPages(t *testing.T) {
	in := startBrowser(t)
	t.Run("none", func(t *testing.T) {
		e := startWithPast(t, "", "/", ordinaryPast())
		inspect(t, in, "http://"+e.Address, []shown{
			{name: "empty", url: "/", title: "health_exporter", says: "Nothing is monitored yet"},
			{name: "problem", url: "/targets/none", title: "Not Found", says: `there is no target "none"`, status: http.StatusNotFound},
		})
	})
	t.Run("few", func(t *testing.T) { inspect(t, in, "", fewPages(startFew(t))) })
	t.Run("200", func(t *testing.T) {
		e := startMany(t, 200)
		inspect(t, in, "http://"+e.Address, []shown{
			{name: "overview-200", url: "/", title: "(3) health_exporter", says: "3 are unhealthy"},
			{name: "filtered-200", url: "/?state=degraded&group=group+4", title: "(3) health_exporter", says: "3 are unhealthy"},
			{name: "target-200", url: "/targets/app-00003", title: "app-00003: unhealthy", says: "app-00003"},
		})
	})
	t.Run("10000", func(t *testing.T) {
		e := startMany(t, 10_000)
		inspect(t, in, "http://"+e.Address, []shown{
			{name: "overview-10000", url: "/", title: "(104) health_exporter", says: "104 are unhealthy"},
		})
	})
}

// fewPages are the pages of the exporter that has a bit of everything.
func fewPages(e *harness.Exporter) []shown {
	base := "http://" + e.Address
	evil := url.PathEscape(hostileName)
	q := url.QueryEscape(hostile)
	return []shown{
		{name: "overview", url: base + "/", title: "(4) health_exporter", says: "4 are unhealthy"},
		{name: "filtered", url: base + "/?q=" + q + "&label=" + url.QueryEscape("a="+hostile) + "&state=healthy", title: "(4)", says: "4 are unhealthy", hasty: true},
		{name: "found", url: base + "/?q=evil&state=troubled", title: "(4)", says: "4 are unhealthy"},
		{name: "target", url: base + "/targets/media%20centre", title: "media centre: healthy", says: "media centre"},
		{name: "unhealthy", url: base + "/targets/shop", title: "shop: unhealthy", says: "status 503"},
		{name: "certified", url: base + "/targets/certified", title: "certified: healthy", says: "healthy", hasty: true},
		{name: "paused", url: base + "/targets/nas?done=" + q, title: "nas: paused", says: "paused, was healthy", hasty: true},
		{name: "maintenance", url: base + "/targets/backup", title: "backup: maintenance", says: "maintenance, was healthy", hasty: true},
		{name: "hostile", url: base + "/targets/" + evil, title: hostileName + ": unhealthy", says: hostileName},
		{name: "registered", url: base + "/targets/registered" + evil, title: "registered" + hostileName, says: "registered" + hostileName, hasty: true},
		{name: "check", url: base + "/checks/memory", title: "memory: healthy", says: "memory"},
		{name: "hostile-check", url: base + "/checks/" + evil, title: hostileName + ": healthy", says: hostileName, hasty: true},
		{name: "public", url: base + "/public/", title: "(4) " + hostile, says: "4 are unhealthy"},
		{name: "public-target", url: base + "/public/targets/shop", title: "shop: unhealthy", says: "shop"},
		{name: "problem-hostile", url: base + "/targets/none" + evil, title: "Not Found", says: "there is no target", status: http.StatusNotFound, hasty: true},
	}
}

// inspect looks at each page in each way.
func inspect(t *testing.T, in context.Context, base string, pages []shown) {
	for _, p := range pages {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			b := openTab(t, in)
			p.url = base + p.url
			if p.status == 0 {
				p.status = http.StatusOK
			}
			for _, v := range p.views() {
				b.look(v)
				b.visit(p.url, p.status)
				b.check(p, v)
				if v.script {
					b.keep(p.name + "-" + v.String())
				}
			}
		})
	}
}

// check wants the page to say what it should, and to do nothing else.
func (b *tab) check(p shown, v view) {
	b.t.Helper()
	var faults []string
	for _, width := range []int64{320, 768, 1024, v.width} {
		if strings.HasPrefix(p.name, "overview-") && width != v.width {
			continue // thousands of rows take their time
		}
		b.resize(width)
		faults = append(faults, b.overflow(width)...)
	}
	faults = append(faults, b.injected()...)
	faults = append(faults, b.takeFaults()...)
	if p.status != http.StatusOK {
		faults = slices.DeleteFunc(faults, func(f string) bool { return strings.Contains(f, "status of 404") && strings.Contains(f, p.url) })
	}
	for _, f := range faults {
		b.t.Errorf("%s: %s", v, f)
	}
	var got struct{ Title, Verdict, Icon string }
	got.Title = eval[string](b, "document.title")
	got.Verdict = eval[string](b, `document.querySelector(".verdict").innerText`)
	got.Icon = eval[string](b, `document.querySelector("link[rel=icon]").getAttribute("href")`)
	if !strings.HasPrefix(got.Title, p.title) || !strings.Contains(got.Verdict, p.says) {
		b.t.Errorf("%s: the title is %q, want %q; the verdict %q, want %q", v, got.Title, p.title, got.Verdict, p.says)
	}
	if n := unhealthyIn(got.Title); !strings.HasSuffix(got.Icon, fmt.Sprintf("&n=%d", n)) || n > 0 && !strings.Contains(got.Icon, fmt.Sprintf("state=unhealthy&n=%d", n)) {
		b.t.Errorf("%s: the icon of %q is %s", v, got.Title, got.Icon)
	}
	if broken := eval[[]string](b, `[...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.src)`); len(broken) > 0 {
		b.t.Errorf("%s: images that do not load: %q", v, broken)
	}
	order := eval[[]string](b, `[...document.querySelectorAll(".troubled > li")].map(e => e.className)`)
	if !slices.IsSortedFunc(order, func(a, b string) int { return rank(a) - rank(b) }) {
		b.t.Errorf("%s: what is not healthy is not listed worst first: %q", v, order)
	}
}

// unhealthyIn is the number before the name of the site in a title; 0 if there is none.
func unhealthyIn(title string) (n int) {
	if _, site, found := strings.Cut(title, " · "); found {
		title = site
	}
	fmt.Sscanf(title, "(%d)", &n) // no number leaves 0
	return n
}

func rank(state string) int {
	return slices.Index([]string{"unhealthy", "degraded", "unknown"}, state)
}

// TestBrowserAccessible has axe-core look at all pages, light and dark.
func TestBrowserAccessible(t *testing.T) {
	source := axeSource(t)
	in := startBrowser(t)
	empty, few, many := startWithPast(t, "", "/", ordinaryPast()), startFew(t), startMany(t, 200)
	pages := append(fewPages(few),
		shown{name: "empty", url: "http://" + empty.Address + "/"},
		shown{name: "problem", url: "http://" + empty.Address + "/targets/none", status: http.StatusNotFound},
		shown{name: "200", url: "http://" + many.Address + "/", hasty: true},
	)
	for _, p := range pages {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			b := openTab(t, in)
			for _, v := range p.views() {
				if !v.script && !p.hasty {
					continue // it has been looked at
				}
				v.script = true // axe-core is one
				b.look(v)
				b.visit(p.url, max(p.status, http.StatusOK))
				eval[bool](b, `for (const d of document.querySelectorAll("details")) d.open = true; true`)
				b.accessible(source)
			}
		})
	}
}
