package server

import (
	"encoding/xml"
	"net/http"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

func TestButtons(t *testing.T) {
	f := newFixture(t)
	f.expect(http.StatusCreated, f.do("POST", "/api/v1/targets", nas))
	f.apply()
	has(t, "the page", f.page("/targets/nas"), `action="../targets/nas/remove"`)
	press := func(action string, header ...string) int {
		w := f.do("POST", "/targets/nas/"+action, "", header...)
		if at := w.Header().Get("Location"); w.Code == http.StatusSeeOther && at != "../../targets/nas?done="+action && at != "../../" {
			t.Errorf("%s leads to %s", action, at)
		}
		return w.Code
	}
	if code := press("pause", "Sec-Fetch-Site", "cross-site"); code != http.StatusForbidden {
		t.Errorf("from another site: %d", code)
	}
	if code := press("pause", "Origin", "http://evil.example"); code != http.StatusForbidden {
		t.Errorf("from another origin: %d", code)
	}
	if code := press("explode"); code != http.StatusNotFound {
		t.Errorf("unknown action: %d", code)
	}
	for _, step := range []struct {
		action string
		paused bool
	}{{"pause", true}, {"pause", true}, {"resume", false}} {
		if code := press(step.action); code != http.StatusSeeOther {
			t.Fatalf("%s: %d", step.action, code)
		}
		if target, _ := f.registry.Target("nas"); target.Paused != step.paused {
			t.Errorf("after %s: paused %t", step.action, target.Paused)
		}
	}
	has(t, "the page after resuming", f.page("/targets/nas?done=resume"), "its state begins anew")
	hasNot(t, "the page after nothing we know", f.page("/targets/nas?done=%3Cb%3E"), `class="notice"`)

	if code := press("remove", "Authorization", "Bearer secret-other"); code != http.StatusForbidden {
		t.Errorf("removed by somebody else: %d", code)
	}
	f.from = "203.0.113.9:1"
	if code := press("remove"); code != http.StatusUnauthorized {
		t.Errorf("removed from outside: %d", code)
	}
	f.from = "127.0.0.1:1"
	if code := press("remove"); code != http.StatusSeeOther {
		t.Errorf("remove: %d", code)
	}
	if _, still := f.registry.Target("nas"); still {
		t.Error("it is still there")
	}
}

func TestBadges(t *testing.T) {
	f := newFixture(t)
	f.show(three)
	for path, want := range map[string]string{
		"/targets/bad/state.svg": "unhealthy", "/targets/so%20so/state.svg": "degraded", "/targets/good/uptime.svg": "100 %",
		"/targets/bad/uptime.svg?span=30d": "0.00 %", "/targets/good/latency.svg": "latency: –",
	} {
		w := f.do("GET", path, "")
		if w.Code != 200 || w.Header().Get("Content-Type") != "image/svg+xml" || !strings.Contains(w.Body.String(), want) ||
			w.Header().Get("Cache-Control") != "max-age=30" {
			t.Errorf("%s: %d %v %s", path, w.Code, w.Header(), w.Body)
		}
		if again := f.do("GET", path, "", "If-None-Match", w.Header().Get("ETag")); again.Code != http.StatusNotModified {
			t.Errorf("%s again: %d", path, again.Code)
		}
		if err := xml.Unmarshal(w.Body.Bytes(), new(struct{ XMLName xml.Name })); err != nil {
			t.Errorf("%s is not an SVG: %s", path, err)
		}
	}
	f.expect(http.StatusBadRequest, f.do("GET", "/targets/bad/uptime.svg?span=1y", ""))
	f.expect(http.StatusNotFound, f.do("GET", "/targets/bad/other.svg", ""))
	f.expect(http.StatusNotFound, f.do("GET", "/targets/none/state.svg", ""))
	has(t, "the icon", f.page("/favicon.svg?state=unhealthy&n=3"), ">3</text>")
	f.page("/favicon.svg?state=%3Cscript%3E&n=-7")
}

func TestFeed(t *testing.T) {
	f := newFixture(t)
	f.show(three)
	has(t, "the feed", f.page("/feed.atom"), "bad is unhealthy (was unknown)", "http://exporter:10115/targets/so%20so", "<summary>status 503")
	f.settings.ExternalURL = "https://status.example.org/x"
	has(t, "the feed", f.page("/feed.atom"), "https://status.example.org/x/targets/bad")
}

func TestPublicPages(t *testing.T) {
	f := newFixture(t)
	f.show(three)
	f.expect(http.StatusNotFound, f.do("GET", "/public/", ""))
	f.settings.Public = &Public{Title: "Shop", Shows: func(kind, name, group string) bool { return kind == kindTarget && name != "so so" && group == "web" }}
	secrets := []string{"10.0.0.7", "status 503", "me@example.org", "attic", "so so", "so%20so", "1.2.3", "<form method=\"post\"", "/config", "metrics"}
	for path, want := range map[string]string{
		"/public/": `<a class="name" href="targets/bad">`, "/public/targets/bad": "<h1>bad</h1>", "/public/feed.atom": "bad is unhealthy",
		"/public/targets/bad/state.svg": "unhealthy", "/public/?q=10.0.0.7": "0 of 2 match", "/public/?q=attic": "0 of 2 match",
	} {
		page := f.page(path)
		has(t, path, page, want)
		if !strings.Contains(path, "?") {
			hasNot(t, path, page, secrets...)
			hasNot(t, path+" as JSON", f.page(path, "Accept", "application/json"), secrets...)
		}
	}
	for _, path := range []string{"/public/targets/so%20so", "/public/targets/so%20so/state.svg", "/public/targets/none", "/public/checks/bad"} {
		f.expect(http.StatusNotFound, f.do("GET", path, ""))
	}
	has(t, "the title", f.page("/public/"), "<title>(1) Shop</title>")
}

func TestRoutePrefix(t *testing.T) {
	f := newFixture(t)
	f.show(three)
	deps := f.deps
	deps.RoutePrefix = "/watch/"
	f.handler = New(deps)
	has(t, "the overview", f.page("/watch/"), `href="targets/bad"`, `href="assets/style.css`)
	has(t, "a target", f.page("/watch/targets/bad"), `href="../assets/style.css`)
	f.page("/watch/-/healthy")
	if w := f.do("GET", "/", ""); w.Code != http.StatusFound || w.Header().Get("Location") != "/watch/" {
		t.Errorf("the top: %d %s", w.Code, w.Header().Get("Location"))
	}
	if w := f.do("GET", "/-/healthy", ""); w.Code != http.StatusNotFound {
		t.Errorf("outside: %d", w.Code)
	}
	if w := f.do("POST", "/watch/api/v1/targets", nas); w.Header().Get("Location") != "/watch/api/v1/targets/nas" {
		t.Errorf("a new target is at %s", w.Header().Get("Location"))
	}
}

func TestPreference(t *testing.T) {
	for accept, want := range map[string]bool{
		"": false, "*/*": false, "application/json": true, "application/json, text/html": false, "text/html;q=0.5, application/json": true,
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": false, "application/*": true, "application/json;q=0": false,
		"APPLICATION/JSON; charset=utf-8; Q=0.9, */*;q=0.1": true, "application/json;q=x": true,
	} {
		if got := prefersJSON(accept); got != want {
			t.Errorf("%q: %t", accept, got)
		}
	}
}

func TestPagesAreInert(t *testing.T) {
	f := newFixture(t)
	const evil = `"><script>alert(1)<\u002fscript><img src=x onerror=alert(2)>`
	f.show(map[string]health.Verdict{`"><script>alert(1)<` + "`" + `script>`: health.Unhealthy}, func(t *prober.Target) {
		t.URL, t.Group, t.Email, t.Labels = `http://10.0.0.1/"><script>alert(1)</script>`, `"><script>alert(1)</script>`, `"<script>"@example.org`, map[string]string{"a": `"><script>`}
	})
	for _, path := range []string{"/", "/?q=" + "%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "/targets/%22%3E%3Cscript%3Ealert%281%29%3C%60script%3E", "/feed.atom"} {
		hasNot(t, path, f.page(path), "<script>", evil)
		if policy := f.do("GET", path, "").Header().Get("Content-Security-Policy"); path != "/feed.atom" && policy != contentPolicy {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
}
