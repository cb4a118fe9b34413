package browser

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/internal/testneed"
)

// overflow finds what sticks out of the page at a width.
func (b *tab) overflow(width int64) []string {
	b.t.Helper()
	out := eval[[]string](b, `(() => {
		const root = document.documentElement, most = Math.max(innerWidth, 1);
		if (root.scrollWidth <= most) return [];
		const wide = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > most + .5 && !e.closest(".wide, pre"));
		return ["something sticks out: " + root.scrollWidth + " of " + most, ...wide.slice(0, 5).map(e => e.outerHTML.slice(0, 200) + ", which sticks out")];
	})()`)
	for i := range out {
		out[i] = fmt.Sprintf("at %d: %s", width, out[i])
	}
	return out
}

// injected finds what is in the page that no template of ours puts there.
func (b *tab) injected() []string {
	b.t.Helper()
	return eval[[]string](b, `(() => {
		const found = [];
		for (const e of document.querySelectorAll("*")) {
			const name = e.localName;
			for (const a of e.attributes) {
				if (/^on|^style$/i.test(a.name)) found.push("an injected attribute " + a.name + " of <" + name + ">");
				if (/^(href|src|action|formaction|xlink:href)$/i.test(a.name) && !/^(\.\.?\/|\?|#|$|[a-z]+\/|[a-z.]+(\?|$))/.test(a.value))
					found.push("an injected link " + a.value);
			}
			if (name === "script" && !/(^|\/)assets\/page\.js\?v=\w+$/.test(e.getAttribute("src") || "")) found.push("an injected <script>");
			if (name === "img" && !/\/(state|uptime|latency)\.svg$/.test(e.getAttribute("src"))) found.push("an injected <img>");
			if (/^(iframe|object|embed|base|style|template|video|audio|math|marquee|frame|b|i|h4)$/.test(name)) found.push("an injected <" + name + ">");
		}
		return found;
	})()`)
}

// axeFault is a rule of axe-core that a page breaks.
type axeFault struct {
	ID     string   `json:"id"`
	Impact string   `json:"impact"`
	Help   string   `json:"help"`
	Nodes  []string `json:"nodes"`
}

// axeSource reads what e2e/axe.sh has fetched.
func axeSource(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(harness.Root(), "e2e", ".tools", "axe-core-*.js"))
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 {
		testneed.Missing(t, fmt.Sprintf("one version of axe-core in e2e/.tools, which has %d", len(found)), "e2e/setup.sh fetches it")
	}
	source, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// accessible has axe-core look at the page. What is serious is an error; the rest is
// logged.
func (b *tab) accessible(source string) {
	b.t.Helper()
	if !eval[bool](b, `typeof axe === "object"`) {
		eval[bool](b, source+"; true")
	}
	text := eval[string](b, `axe.run(document, {
		runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"], resultTypes: ["violations"],
	}).then(r => JSON.stringify(r.violations.map(v => ({
		id: v.id, impact: v.impact, help: v.help,
		nodes: v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + " " + (n.failureSummary || "").replaceAll("\n", " ").slice(0, 240)),
	}))))`)
	var faults []axeFault
	if err := json.Unmarshal([]byte(text), &faults); err != nil {
		b.t.Fatalf("%v in %s", err, text)
	}
	for _, f := range faults {
		what := fmt.Sprintf("%s: %s (%s): %s\n\t%s", b.at(), f.ID, f.Impact, f.Help, strings.Join(f.Nodes, "\n\t"))
		if f.Impact == "serious" || f.Impact == "critical" {
			b.t.Error(what)
			continue
		}
		b.t.Log(what)
	}
}
