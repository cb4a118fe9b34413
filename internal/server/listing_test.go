package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/client/api"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/prober"
)

// pageOf asks for targets, and gives their names too.
func (f *fixture) pageOf(query string) (p api.Targets, apps []string) {
	f.t.Helper()
	if err := json.Unmarshal([]byte(f.page("/api/v1/targets?"+query)), &p); err != nil {
		f.t.Fatal(err)
	}
	for _, t := range p.Targets {
		apps = append(apps, t.App)
	}
	return p, apps
}

// put registers targets with those names.
func (f *fixture) put(apps ...string) {
	f.t.Helper()
	for _, app := range apps {
		t := prober.Target{App: app, URL: "http://10.0.0.1", Source: "api", Interval: time.Minute, Timeout: time.Second}
		if _, err := f.registry.PutIf(t, func(*prober.Target, registry.Held) error { return nil }); err != nil {
			f.t.Fatal(err)
		}
	}
	f.apply()
}

// TestPagesAreStable: who follows the pages finds each target that is there all the time
// exactly once, whatever comes and goes meanwhile.
func TestPagesAreStable(t *testing.T) {
	f := newFixture(t)
	var steady []string
	for i := range 25 {
		steady = append(steady, fmt.Sprintf("m%02d", i))
	}
	f.put(append(steady, "ä", "späti ☕", "a b")...)
	steady = append([]string{"a b"}, append(steady, "späti ☕", "ä")...)
	var found []string
	at := "/api/v1/targets?limit=4"
	for n := 0; at != ""; n++ {
		w := f.do("GET", at, "")
		var p api.Targets
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Total == nil || len(p.Targets) > 4 {
			t.Fatalf("%v in %s", err, w.Body)
		}
		for _, each := range p.Targets {
			found = append(found, each.App)
		}
		link := w.Header().Get("Link")
		if (p.Next == "") != (link == "") || n > 30 {
			t.Fatalf("page %d: next %q, link %q", n, p.Next, link)
		}
		if at = ""; link != "" {
			next, err := url.Parse("http://exporter/api/v1/targets")
			if err != nil {
				t.Fatal(err)
			}
			rel, ok := strings.CutSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
			if next, err = next.Parse(rel); err != nil || !ok || next.Query().Get("cursor") != p.Next || next.Query().Get("limit") != "4" {
				t.Fatalf("link %q with next %q: %v", link, p.Next, err)
			}
			at = next.RequestURI()
		}
		last := found[len(found)-1]
		f.put(last+"0", "a", "zz"+last) // behind it, before all, at the end
		if n > 0 {
			if _, err := f.registry.Remove("api", "a"); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Contains(steady, last) {
			if _, err := f.registry.Remove("api", last); err != nil { // the one that the cursor names
				t.Fatal(err)
			}
		}
	}
	if !slices.IsSorted(found) || len(slices.Compact(slices.Clone(found))) != len(found) {
		t.Errorf("not sorted, or some twice: %q", found)
	}
	kept := slices.DeleteFunc(found, func(app string) bool { return !slices.Contains(steady, app) })
	if diff := cmp.Diff(steady, kept); diff != "" {
		t.Error(diff)
	}
}

// TestWholeListIsAsEver: without limit and cursor there are all targets, in the bytes of
// one value that is encoded whole.
func TestWholeListIsAsEver(t *testing.T) {
	f := newFixture(t)
	f.do("POST", "/api/v1/targets", `{"app": "<b>&", "url": "http://10.0.0.9/?key=1", "labels": {"b": "2", "a": "1"}, "ttl": 60, "email": "x@evil.test"}`)
	f.put("plain", "späti ☕")
	for _, from := range []string{"127.0.0.1:1", "192.168.1.9:1"} {
		f.from = from
		s := &server{Deps: f.deps}
		var want api.Targets
		for _, target := range f.registry.Targets() {
			st, _ := f.scheduler.Status(target.App)
			want.Targets = append(want.Targets, s.view(target, st, from == "127.0.0.1:1"))
		}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		w := f.do("GET", "/api/v1/targets", "")
		if diff := cmp.Diff(string(text)+"\n", w.Body.String()); diff != "" {
			t.Error(diff)
		}
		if h := w.Header(); h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "no-store" || h.Get("Link") != "" {
			t.Errorf("header %v", h)
		}
	}
	for path, want := range map[string]string{
		"/api/v1/checks": `{"checks":[]}` + "\n", "/api/v1/tombstones": `{"tombstones":[]}` + "\n",
		"/api/v1/maintenance?cursor=" + cursorAfter("c"): `{"maintenance":[],"total":1}` + "\n", "/api/v1/checks?limit=1": `{"checks":[],"total":0}` + "\n",
		"/api/v1/targets?group=none": `{"targets":[]}` + "\n", "/api/v1/sd?group=none": "[]\n",
	} {
		if w := f.do("GET", path, ""); w.Body.String() != want {
			t.Errorf("%s: %s", path, w.Body)
		}
		if w := f.do("HEAD", path, ""); w.Code != http.StatusOK || w.Body.Len() != 0 {
			t.Errorf("HEAD %s: %d %s", path, w.Code, w.Body)
		}
	}
	var sd []sdGroup
	if err := json.Unmarshal([]byte(f.page("/api/v1/sd")), &sd); err != nil || len(sd) != 3 || sd[0].Targets[0] != "http://10.0.0.9/" ||
		sd[0].Labels["__meta_health_exporter_label_a"] != "1" || sd[1].Labels["__meta_health_exporter_app"] != "plain" {
		t.Errorf("%v %+v", err, sd)
	}
}

func TestFilters(t *testing.T) {
	f := newFixture(t)
	states := map[string]health.Verdict{"bad": health.Unhealthy, "good": health.Healthy, "so so": health.Degraded}
	f.show(states)
	var targets []prober.Target
	for _, st := range f.scheduler.Snapshot() {
		target := *st.Target
		if target.App == "good" {
			target.Labels, target.Group = map[string]string{"room": "cellar"}, "db"
		}
		targets = append(targets, target)
	}
	f.registry.Replace("config", targets)
	f.registry.Replace("file_sd:lab", []prober.Target{{App: "new", URL: "http://10.0.0.8/?token=sesame", Interval: time.Minute, Timeout: time.Second}})
	f.windows["patch"] = Maintenance{Name: "patch", Targets: []string{"so so"}}
	for query, want := range map[string]string{
		"":                                    "bad good new so so",
		"state=UNHEALTHY":                     "bad",
		"state=unhealthy&state=unknown":       "bad new",
		"state=troubled":                      "bad new",
		"state=maintenance":                   "so so",
		"state=degraded":                      "",
		"group=web":                           "bad so so",
		"group=web&group=db":                  "bad good so so",
		"source=file_sd:lab":                  "new",
		"source=config&state=healthy":         "good",
		"label=room=attic":                    "bad so so",
		"label=room=attic&label=room=x":       "",
		"label=room=":                         "",
		"q=GOO":                               "good",
		"q=room=ATTIC":                        "bad so so",
		"q=10.0.0.8":                          "new",
		"q=+db+":                              "good",
		"q=sesame":                            "new",
		"q=o&state=healthy&label=room=cellar": "good",
	} {
		for _, page := range []string{"", "&limit=2"} {
			var apps []string
			cursor := ""
			for {
				p, some := f.pageOf(query + page + cursor)
				apps = append(apps, some...)
				if page != "" && *p.Total != len(strings.Fields(strings.ReplaceAll(want, "so so", "so-so"))) {
					t.Errorf("%s: total %d", query, *p.Total)
				}
				if p.Next == "" {
					break
				}
				cursor = "&cursor=" + p.Next
			}
			if got := strings.Join(apps, " "); got != want {
				t.Errorf("%q: %q, want %q", query+page, got, want)
			}
		}
		var sd []sdGroup
		if err := json.Unmarshal([]byte(f.page("/api/v1/sd?"+query)), &sd); err != nil || len(sd) != len(strings.Fields(strings.ReplaceAll(want, "so so", "so-so"))) {
			t.Errorf("sd of %q: %v %v", query, err, sd)
		}
	}
	f.from = "192.168.1.9:1" // does not see queries, so cannot guess them either
	if _, apps := f.pageOf("q=sesame"); apps != nil {
		t.Errorf("what is not shown is found: %q", apps)
	}
}

func TestFields(t *testing.T) {
	f := newFixture(t)
	f.expect(http.StatusCreated, f.do("POST", "/api/v1/targets", nas))
	for fields, want := range map[string]string{
		"app":                               `{"app":"nas"}`,
		"state,app,labels":                  `{"app":"nas","state":"UNKNOWN"}`,
		"email,up,interval,last_check":      `{"email":"me@example.org","interval":30,"up":null,"last_check":null}`,
		"source,paused,group,app":           `{"app":"nas","paused":false,"source":"api"}`,
		"consecutive_failures,paused,group": `{"paused":false,"consecutive_failures":0}`,
	} {
		if got := f.page("/api/v1/targets?fields=" + fields); got != `{"targets":[`+want+"]}\n" {
			t.Errorf("%s: %s", fields, got)
		}
	}
	// All fields together are the target as it is.
	var all []string
	for name := range f.expect(http.StatusOK, f.do("GET", "/api/v1/targets/nas", "")) {
		all = append(all, name)
	}
	if got, want := f.page("/api/v1/targets?fields="+strings.Join(all, ",")), f.page("/api/v1/targets"); got != want {
		t.Errorf("all fields\n%s are not those of\n%s", got, want)
	}
}

// TestWrongParameters are all told at once, with what is allowed.
func TestWrongParameters(t *testing.T) {
	f := newFixture(t)
	long := strings.Repeat("x", 300)
	for query, want := range map[string][]string{
		"limit=0&cursor=x&state=up&label=room&fields=ap,state&grup=web&q=" + long: {
			"limit: must be a whole number between 1 and 10000", "cursor: is none", `state: "up" is not one of troubled, unhealthy`, `label: "room" must be`,
			"q: has 300 bytes, at most 256", `fields: there is no field "ap"; did you mean "app"? Allowed are app, url`,
			`grup: there is no such parameter; did you mean "group"? Allowed are limit, cursor, state, group, source, label, q, fields`,
		},
		"limit=10001": {"limit: must be"},
		"wattle=1&fields=nope": {
			`fields: there is no field "nope". Allowed are app, url`, "wattle: there is no such parameter. Allowed are limit, cursor, state",
		},
		"limit=&cursor=&state=&group=&source=&label=&q=&fields=": {
			"limit: is empty", "cursor: is empty", "state: is empty", "group: is empty", "source: is empty", "label: is empty", "q: is empty", "fields: is empty",
		},
		"state=healthy&state=&group":    {"state: is empty", "group: is empty"},
		"limit=1&limit=1":               {"limit: is given more than once"},
		"limit=1e3":                     {`not "1e3"`},
		"cursor=Mm5hcw":                 {"cursor: is none"}, // of another kind
		"cursor=MQ":                     {"cursor: is none"}, // of no name
		"cursor=%21":                    {"cursor: is none"},
		"group=" + long:                 {"group: has 300 bytes"},
		"limit=x&limit=y":               {"limit: is given more than once"},
		strings.Repeat("group=a&", 101): {"group: is given 101 times"},
	} {
		got := f.expect(http.StatusBadRequest, f.do("GET", "/api/v1/targets?"+query, ""))
		var faults []string
		list, _ := got["errors"].([]any)
		for _, each := range list {
			faults = append(faults, fmt.Sprint(each.(map[string]any)["field"], ": ", each.(map[string]any)["detail"]))
		}
		if len(faults) != len(want) {
			t.Errorf("%s: %q", query, faults)
			continue
		}
		for i := range want {
			if !strings.Contains(faults[i], want[i]) {
				t.Errorf("%s: fault %d is %q, want %q", query, i, faults[i], want[i])
			}
		}
	}
	for _, path := range []string{"checks", "tombstones", "maintenance", "sd"} {
		f.expect(http.StatusBadRequest, f.do("GET", "/api/v1/"+path+"?limit=-1", ""))
		f.expect(http.StatusBadRequest, f.do("GET", "/api/v1/"+path+"?lmit=1", ""))
	}
	f.expect(http.StatusBadRequest, f.do("GET", "/api/v1/targets?q=%zz", ""))
	f.expect(http.StatusBadRequest, f.do("GET", "/api/v1/targets?q=a;limit=1", ""))
}

// narrow takes a few bytes, and then nothing.
type narrow struct {
	http.ResponseWriter
	left int
}

func (n *narrow) Write(p []byte) (int, error) {
	if n.left -= len(p); n.left < 0 {
		return 0, errors.New("nobody reads")
	}
	return n.ResponseWriter.Write(p)
}

// TestListsAreNotBuiltWhole: a list without an end is written until nobody reads on.
func TestListsAreNotBuiltWhole(t *testing.T) {
	endless := list[int]{
		name: "numbers", key: func(i int) string { return fmt.Sprint(i) }, view: func(i int) any { return i },
		all: func(yield func(int) bool) {
			for i := 0; yield(i); i++ {
			}
		},
	}
	w := httptest.NewRecorder()
	endless.answer(&narrow{w, 4 * listBuffer}, httptest.NewRequest(http.MethodGet, "/", nil), part{})
	if n := w.Body.Len(); n < listBuffer || n > 4*listBuffer || !strings.HasPrefix(w.Body.String(), `{"numbers":[0,1,2,`) {
		t.Errorf("%d bytes: %.50s", n, w.Body)
	}
	endless.view = func(int) any { return math.NaN() }
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("an item that cannot be encoded: %v", err)
		}
	}()
	endless.answer(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), part{})
}

// TestMaintenancePages: windows of the same name are both there.
func TestMaintenancePages(t *testing.T) {
	key := func(m Maintenance) string { return m.Name + string(m.Source) }
	windows := []Maintenance{{Name: "a", Source: "api"}, {Name: "a", Source: "config"}, {Name: "b", Source: "config"}}
	l := list[Maintenance]{all: slices.Values(windows), key: key}
	var found []Maintenance
	for after, n := "", 0; n == 0 || after != ""; n++ {
		key, ok := afterCursor(after)
		items, total, next := l.page(part{paged: true, limit: 1, after: key})
		if !ok || total != 3 || n > 3 {
			t.Fatalf("total %d after %q", total, after)
		}
		found, after = append(found, items...), next
	}
	if diff := cmp.Diff(windows, found); diff != "" {
		t.Error(diff)
	}
}

// FuzzCursor: what was given is understood, and anything else refused or harmless.
func FuzzCursor(f *testing.F) {
	f.Add("nas", "x")
	f.Add("späti ☕", "MQ==")
	f.Fuzz(func(t *testing.T, key, cursor string) {
		if back, ok := afterCursor(cursorAfter(key)); key != "" && (!ok || back != key) {
			t.Errorf("%q comes back as %q", key, back)
		}
		if key, ok := afterCursor(cursor); ok && cursor != "" && cursorAfter(key) != cursor {
			t.Errorf("%q is taken for that of %q", cursor, key)
		}
	})
}
