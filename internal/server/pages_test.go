package server

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/history"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// show puts targets on the schedule in the states that they were saved in.
func (f *fixture) show(states map[string]health.Verdict, change ...func(*prober.Target)) {
	var jobs []schedule.Job
	began := time.Now().Add(-time.Hour)
	for app, v := range states {
		t := &prober.Target{
			App: app, URL: "http://10.0.0.7:1/" + app, Interval: time.Minute, Timeout: time.Second, Unhealthy: 2, Healthy: 2,
			Group: "web", Email: "me@example.org", MailAllowed: true, Source: "config", Labels: map[string]string{"room": "attic"},
		}
		for _, c := range change {
			c(t)
		}
		jobs = append(jobs, schedule.Job{
			Target: t, Module: f.settings.Modules["health"], NotBefore: time.Now().Add(time.Hour),
			Saved: &schedule.Saved{State: health.State{Verdict: v}, Since: began, Place: t.Place(), Transitions: []schedule.Transition{
				{Time: began, From: health.Unknown, To: v, Reason: "status 503 from 10.0.0.7"},
			}},
		})
		f.history.Note(app, began, history.Of(v, false, false))
	}
	f.scheduler.Sync(jobs)
}

func (f *fixture) page(path string, header ...string) string {
	f.t.Helper()
	w := f.do("GET", path, "", header...)
	if w.Code != http.StatusOK {
		f.t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

func has(t *testing.T, what, text string, wanted ...string) {
	t.Helper()
	for _, each := range wanted {
		if !strings.Contains(text, each) {
			t.Errorf("%s lacks %q:\n%s", what, each, text)
		}
	}
}

func hasNot(t *testing.T, what, text string, unwanted ...string) {
	t.Helper()
	for _, each := range unwanted {
		if strings.Contains(text, each) {
			t.Errorf("%s has %q", what, each)
		}
	}
}

var three = map[string]health.Verdict{"good": health.Healthy, "bad": health.Unhealthy, "so so": health.Degraded}

func TestOverview(t *testing.T) {
	f := newFixture(t)
	has(t, "the empty page", f.page("/"), "Nothing is monitored yet", "curl -H", "<title>health_exporter</title>")
	f.show(three)
	page := f.page("/")
	has(t, "the page", page,
		"<title>(1) health_exporter</title>", "bad is unhealthy", "1 unhealthy, 1 degraded, 1 healthy", `favicon.svg?state=unhealthy&amp;n=1`,
		`<a href="targets/so%20so">so so</a>`, "mailed: me@example.org", "for 1 h", "100 %", "Recent changes", `<option>web</option>`,
		"status 503 from 10.0.0.7",
	)
	if bad, soso := strings.Index(page, `href="targets/bad"`), strings.Index(page, `href="targets/so%20so"`); bad > soso {
		t.Error("what is degraded stands before what is unhealthy")
	}
	for query, want := range map[string][3]bool{ // good, bad, so so
		"q=goo":                    {true, false, false},
		"q=ROOM%3Dattic":           {true, true, true},
		"state=troubled":           {false, true, true},
		"state=healthy":            {true, false, false},
		"group=web&state=degraded": {false, false, true},
		"group=none":               {},
		"label=room%3Dattic&q=bad": {false, true, false},
		"label=room%3Dcellar":      {},
		"label=room":               {true, true, true},
		"state=nonsense":           {true, true, true},
	} {
		var got struct {
			Groups []struct{ Rows []struct{ Name string } }
		}
		if err := json.Unmarshal([]byte(f.page("/?"+query, "Accept", "application/json")), &got); err != nil {
			t.Fatal(err)
		}
		found := [3]bool{}
		for _, g := range got.Groups {
			for _, r := range g.Rows {
				found[map[string]int{"good": 0, "bad": 1, "so so": 2}[r.Name]] = true
			}
		}
		if found != want {
			t.Errorf("%s: %v, want %v", query, found, want)
		}
	}
}

func TestOverviewOfMany(t *testing.T) {
	f := newFixture(t)
	states := map[string]health.Verdict{}
	for i := range 2500 {
		states[fmt.Sprintf("app-%04d", i)] = health.Healthy
	}
	states["app-1234"] = health.Unhealthy
	f.show(states)
	for number, want := range map[string][2]string{"1": {"app-0000", "app-0049"}, "3": {"app-0100", "app-0149"}, "99": {"app-2450", "app-2499"}} {
		page := f.page("/?page=" + number)
		has(t, "page "+number, page, want[0], want[1], "of 50", "1 unhealthy, 2499 healthy", "app-1234")
		if n := strings.Count(page, `<th scope="row">`); n != rowsPerPageMany {
			t.Errorf("%d rows", n)
		}
	}
	has(t, "the first page", f.page("/"), `rel="next" href="?page=2"`)
	has(t, "the second page of a filter", f.page("/?q=app&page=2"), `href="?page=3&amp;q=app"`, `rel="prev" href="?q=app"`)
}

// TestOverviewOfManyGroups has them closed and counted, until one is chosen; the page stays
// small.
func TestOverviewOfManyGroups(t *testing.T) {
	f := newFixture(t)
	states := map[string]health.Verdict{}
	for i := range 3000 {
		states[fmt.Sprintf("app-%04d", i)] = health.Healthy
		if i%3 == 0 {
			states[fmt.Sprintf("app-%04d", i)] = health.Verdict(i / 3 % 4)
		}
	}
	f.show(states, func(t *prober.Target) {
		if t.Group = "group " + t.App[len(t.App)-3:]; t.Group == "group 000" {
			t.Group = ""
		}
	})
	page := f.page("/")
	has(t, "the page", page, "250 unhealthy, 250 degraded, 250 unknown, 2250 healthy", `href="?state=troubled">and 720 more<`,
		`<a href="?group=Targets">`, `<input name="group"`, "Page 1 of 10", `<div class="group closed">`)
	hasNot(t, "the page", page, `<th scope="row">`, "<select name=\"group\"")
	if n := strings.Count(page, `<div class="group closed">`); n != groupsPerPage {
		t.Errorf("%d groups", n)
	}
	if len(page) > 150_000 {
		t.Errorf("%d bytes", len(page))
	}
	has(t, "the last page of groups", f.page("/?page=10"), `href="?group=group&#43;998"`, "Page 10 of 10")
	chosen := f.page("/?group=group+998")
	has(t, "one group", chosen, "3 of 3000 match", ">and 745 more<", `<details class="group" id="group-0" open>`, "app-0998", "app-1998", "app-2998")
	has(t, "the rest", f.page("/?group=Targets"), "3 of 3000 match", "app-1000")
	has(t, "a search", f.page("/?q=group+99&page=2"), "30 of 3000 match", "app-2999", "group 990")
	troubled := f.page("/?state=troubled&page=2")
	has(t, "the second page of what is not healthy", troubled, "750 of 3000 match", "Page 2 of 15")
	if n := strings.Count(troubled, `<th scope="row">`); n != rowsPerPageMany || len(troubled) > 150_000 {
		t.Errorf("%d rows, %d bytes", n, len(troubled))
	}
	var got struct {
		Groups []struct{ Rows []any }
	}
	if err := json.Unmarshal([]byte(f.page("/", "Accept", "application/json")), &got); err != nil || len(got.Groups) != groupsPerPage || got.Groups[0].Rows == nil {
		t.Errorf("as JSON: %v, %d groups", err, len(got.Groups))
	}
}

func TestTargetPage(t *testing.T) {
	f := newFixture(t)
	f.show(three)
	page := f.page("/targets/bad")
	has(t, "the page", page,
		"<h1>bad</h1>", "unhealthy", "http://10.0.0.7:1/bad", "every 1 min", "of 2 failures in a row", "room=attic", "me@example.org",
		"health_target_state{target=&#34;bad&#34;} == 1", "../targets/bad/state.svg", "365 d", "Probe now", `action="../targets/bad/pause"`, "../assets/style.css",
		"../probe?debug=true",
	)
	hasNot(t, "the page of a target of the file", page, `/remove"`)
	f.from = "203.0.113.9:1"
	stranger := f.page("/targets/bad")
	hasNot(t, "the page for somebody who may do nothing", stranger, "<form")
	has(t, "the page for somebody who may do nothing", stranger, `href="../login"`)
	if w := f.do("GET", "/login", ""); w.Code != http.StatusUnauthorized || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic") {
		t.Errorf("login: %d %v", w.Code, w.Header())
	}
	if w := f.do("GET", "/login", "", "Authorization", "Basic eDpzZWNyZXQtbWU="); w.Code != http.StatusSeeOther {
		t.Errorf("login with a token: %d", w.Code)
	}
	hasNot(t, "the page with a token for one's own targets", f.page("/targets/bad", "Authorization", "Basic eDpzZWNyZXQtbWU="), "<form")
	has(t, "the page with a token", f.page("/targets/bad", "Authorization", "Basic eDpzZWNyZXQtYWRtaW4="), "Probe now")
	if w := f.do("GET", "/targets/none", "", "Accept", "text/html"); w.Code != 404 || !strings.Contains(w.Body.String(), "there is no target &#34;none&#34;") ||
		!strings.Contains(w.Body.String(), "../public/assets/style.css") {
		t.Errorf("no such target: %d %s", w.Code, w.Body)
	}
	f.expect(404, f.do("GET", "/targets/none", ""))
	var got struct {
		Name, State, Worst string
		Uptimes            []struct{ Uptime struct{ Share float64 } }
		Changes            []struct{ Reason string }
	}
	if err := json.Unmarshal([]byte(f.page("/targets/so%20so", "Accept", "application/json")), &got); err != nil {
		t.Fatal(err)
	}
	if got.Name != "so so" || got.State != "DEGRADED" || got.Worst != "UNHEALTHY" || len(got.Uptimes) != 4 || got.Uptimes[0].Uptime.Share != 1 || got.Changes[0].Reason == "" {
		t.Errorf("%+v", got)
	}
}

func TestCheckPage(t *testing.T) {
	f := newFixture(t)
	job := schedule.Job{
		Target: &prober.Target{App: "disk", Interval: time.Minute, Timeout: time.Second}, Check: &schedule.Check{Kind: "filesystem"},
		Module: prober.CheckModule(f.checker, "exporter-ready", time.Second),
		Saved: &schedule.Saved{State: health.State{Verdict: health.Unhealthy}, Since: time.Now(), Place: "filesystem", Transitions: []schedule.Transition{
			{Time: time.Now(), To: health.Unhealthy, Reason: "3 % free on /secret"},
		}},
	}
	f.checks.Sync([]schedule.Job{job})
	has(t, "the overview", f.page("/"), `<a class="name" href="checks/disk">disk</a>`, "/secret", "<h2>Checks</h2>")
	has(t, "the list", f.page("/api/v1/checks"), `"name":"disk","kind":"filesystem"`, `"state":"UNHEALTHY"`)
	has(t, "the page", f.page("/checks/disk"), "<h1>disk</h1>", "filesystem", "/secret", "health_check_state{check=&#34;disk&#34;} == 1")
	f.from = "203.0.113.9:1" // may not see what checks say
	hasNot(t, "the overview for strangers", f.page("/"), "/secret")
	hasNot(t, "the page for strangers", f.page("/checks/disk"), "/secret", "<form")
	hasNot(t, "the feed for strangers", f.page("/feed.atom"), "/secret")
}

// BenchmarkOverview is the first page of many targets that each have a past of 60
// intervals.
func TestPagesOfLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.expect(http.StatusCreated, f.do("POST", "/api/v1/targets", `{"app": "toaster", "url": "http://10.0.0.9", "ttl": 60}`))
		f.apply()
		has(t, "the page of a lease", f.page("/targets/toaster"), "<dt>Lease</dt>", "in 1 min", "unless it is renewed")
		hasNot(t, "the overview", f.page("/"), `id="gone"`)
		time.Sleep(time.Minute)
		synctest.Wait()
		f.apply()
		has(t, "the overview", f.page("/"), `id="gone"`, "toaster", "its registration was not renewed since")
		if w := f.do("GET", "/targets/toaster", "", "Accept", "text/html"); w.Code != http.StatusGone || !strings.Contains(w.Body.String(), "not renewed since") {
			t.Errorf("its page: %d %s", w.Code, w.Body)
		}
	})
}

// TestUptimeIsTheSameEverywhere: in each list of the overview, on the page of the target,
// and in its history.
func TestUptimeIsTheSameEverywhere(t *testing.T) {
	f := newFixture(t)
	states := map[string]health.Verdict{"bad": health.Unhealthy, "good": health.Healthy}
	f.show(states)
	f.remember(states)
	type row struct {
		Name string
		Day  struct{ Share float64 } `json:"uptime_24h"`
		All  struct{ Share float64 } `json:"uptime_30d"`
	}
	var overview struct {
		NotHealthy []row `json:"not_healthy"`
		Groups     []struct{ Rows []row }
	}
	var subject row
	for path, into := range map[string]any{"/": &overview, "/targets/bad": &subject} {
		if err := json.Unmarshal([]byte(f.page(path, "Accept", "application/json")), into); err != nil {
			t.Fatal(err)
		}
	}
	if subject.All.Share == 0 || subject.All.Share == 1 || len(overview.NotHealthy) != 1 {
		t.Fatalf("%+v, %+v", subject, overview)
	}
	same := func(a, b row) bool { return math.Abs(a.Day.Share-b.Day.Share)+math.Abs(a.All.Share-b.All.Share) < 1e-3 }
	if !same(overview.NotHealthy[0], subject) {
		t.Errorf("among what is not healthy %+v, on its page %+v", overview.NotHealthy[0], subject)
	}
	for _, g := range overview.Groups {
		for _, r := range g.Rows {
			if r.Name == "bad" && !same(r, subject) {
				t.Errorf("in its group %+v, on its page %+v", r, subject)
			}
		}
	}
}
