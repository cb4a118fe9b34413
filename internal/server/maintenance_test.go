package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// windows keeps what it is given.
type windows map[string]Maintenance

func (b windows) List(time.Time) []Maintenance {
	list := []Maintenance{{Name: "backups", Source: "config"}}
	for _, m := range b {
		m.Source = "api"
		list = append(list, m)
	}
	return list
}

// Covering: maintenance is going on of what it names.
func (b windows) Covering(time.Time) func(name, group string) bool {
	return func(name, _ string) bool {
		for _, m := range b {
			if slices.Contains(m.Targets, name) {
				return true
			}
		}
		return false
	}
}

func (b windows) Add(m Maintenance) error {
	if m.Name == "full" {
		return fmt.Errorf("%w: no space left", ErrNotStored)
	}
	if strings.Contains(strings.Join(m.Targets, ""), "[") {
		return errors.New("no pattern")
	}
	b[m.Name] = m
	return nil
}

func (b windows) Remove(name string) (bool, error) {
	if name == "full" {
		return true, fmt.Errorf("%w: no space left", ErrNotStored)
	}
	_, known := b[name]
	delete(b, name)
	return known, nil
}

func TestMaintenanceAPI(t *testing.T) {
	f := newFixture(t)
	w := f.do(http.MethodPost, "/api/v1/maintenance", `{"name":"patch day","targets":["nas","web-*"],"groups":["home"],"duration":3600}`)
	got := f.expect(http.StatusCreated, w)
	if got["name"] != "patch day" || got["open"] != true || got["source"] != "api" {
		t.Errorf("%v", got)
	}
	m := f.windows["patch day"]
	if m.End.Sub(*m.Start) != time.Hour || len(m.Targets) != 2 || m.Groups[0] != "home" {
		t.Errorf("%+v", m)
	}
	if list := f.expect(http.StatusOK, f.do(http.MethodGet, "/api/v1/maintenance", ""))["maintenance"].([]any); len(list) != 2 {
		t.Errorf("%v", list)
	}
	if w := f.do(http.MethodDelete, "/api/v1/maintenance/patch%20day", ""); w.Code != http.StatusNoContent || len(f.windows) != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := f.do(http.MethodDelete, "/api/v1/maintenance/backups", ""); w.Code != http.StatusNotFound {
		t.Errorf("that of the configuration: %d %s", w.Code, w.Body)
	}
	future := time.Now().Add(time.Hour).Format(time.RFC3339)
	later := time.Now().Add(2 * time.Hour).Format(time.RFC3339)
	if got := f.expect(http.StatusCreated, f.do(http.MethodPost, "/api/v1/maintenance", `{"name":"a","all":true,"start":"`+future+`","end":"`+later+`"}`)); got["open"] != false {
		t.Errorf("%v", got)
	}
}

// TestMaintenanceOnAFullDisk is nobody's fault who asks for it.
func TestMaintenanceOnAFullDisk(t *testing.T) {
	f := newFixture(t)
	for _, w := range []*httptest.ResponseRecorder{
		f.do(http.MethodPost, "/api/v1/maintenance", `{"name":"full","all":true,"duration":60}`), f.do(http.MethodDelete, "/api/v1/maintenance/full", ""),
	} {
		if got := f.expect(http.StatusInsufficientStorage, w); !strings.Contains(fmt.Sprint(got["detail"]), "could not be stored") {
			t.Errorf("%v", got)
		}
	}
}

func TestWrongMaintenance(t *testing.T) {
	f := newFixture(t)
	for body, want := range map[string]string{
		``:                             "must be one JSON object",
		`{}`:                           `"field":"name","detail":"is required"`,
		`{"name":"a\nb","duration":1}`: "must be printable",
		`{"name":"` + strings.Repeat("x", 129) + `","duration":1}`: "at most 128 characters",
		`{"name":"a"}`:                                                                  `"field":"duration"`,
		`{"name":"a","duration":-1}`:                                                    `"field":"duration"`,
		`{"name":"a","duration":"1h"}`:                                                  "whole number of seconds",
		`{"name":"a","duration":1,"end":"2099-01-01T00:00:00Z"}`:                        "cannot be used together with end",
		`{"name":"a","end":"2001-01-01T00:00:00Z"}`:                                     "is over already",
		`{"name":"a","start":"tomorrow","duration":1}`:                                  "must be a time",
		`{"name":"a","duration":1,"targets":"nas"}`:                                     "must be a list",
		`{"name":"a","duration":1,"target":"nas"}`:                                      `"field":"target","detail":"unknown field"`,
		`{"name":"a","duration":1,"targets":["["]}`:                                     "no pattern",
		`{"name":"a","duration":1,"targets":["x"` + strings.Repeat(`,"*a*"`, 21) + `]}`: "has 21 patterns, at most 20",
	} {
		if w := f.do(http.MethodPost, "/api/v1/maintenance", body); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	if len(f.windows) != 0 {
		t.Errorf("%v", f.windows)
	}
}

// Who may register may not silence others.
func TestWhoMaySilence(t *testing.T) {
	f := newFixture(t)
	f.registry.Replace("config", []prober.Target{{App: "router", URL: "http://10.0.0.1", Source: "config", Interval: time.Minute, Timeout: time.Second}})
	checked := &prober.Target{App: "disk", Interval: time.Minute, Timeout: time.Second}
	f.checks.Sync([]schedule.Job{{Target: checked, NotBefore: time.Now().Add(time.Hour)}})
	const lan, other, far, here = "10.1.2.3:1", "10.1.2.4:1", "203.0.113.9:1", "127.0.0.1:1"
	const token, admin = "Bearer secret-nas", "Bearer secret-admin"
	for _, own := range []struct{ app, from, token string }{
		{"mine", lan, ""}, {"disk", lan, ""}, {"*", lan, ""}, {"theirs", other, ""}, {"here", here, ""}, {"token's", far, token},
	} {
		f.from = own.from
		f.expect(http.StatusCreated, f.do("POST", "/api/v1/targets", `{"app": "`+own.app+`", "url": "http://10.0.0.1"}`, authorized(own.token)...))
	}
	for _, test := range []struct {
		from, token, covers string
		want                int
	}{
		{lan, "", `"targets":["mine"]`, 201},
		{lan, "", `"targets":["mine","theirs"]`, 403},
		{lan, "", `"targets":["theirs"]`, 403},
		{lan, "", `"targets":["router"]`, 403},
		{lan, "", `"targets":["here"]`, 403},
		{lan, "", `"targets":["token's"]`, 403},
		{lan, "", `"targets":["nobody's"]`, 403},
		{lan, "", `"targets":["disk"]`, 403}, // a check has that name too
		{lan, "", `"targets":["*"]`, 201},    // a target has that name: no more than that is covered
		{lan, "", `"targets":["min?"]`, 403},
		{lan, "", `"targets":["mine"],"groups":["g"]`, 403},
		{lan, "", `"groups":["g"]`, 403},
		{lan, "", `"all":true`, 403},
		{far, "", `"targets":["mine"]`, 401},
		{far, token, `"targets":["token's"]`, 201},
		{far, token, `"targets":["mine"]`, 403},
		{far, token, `"all":true`, 403},
		{here, token, `"targets":["mine"]`, 403}, // a token counts more than a place
		{here, "", `"targets":["mine","router","token's","x*"],"groups":["g"]`, 201},
		{here, "", `"all":true`, 201},
		{far, admin, `"all":true`, 201},
	} {
		f.from = test.from
		clear(f.windows)
		body := `{"name":"a","duration":60,` + test.covers + `}`
		if w := f.do(http.MethodPost, "/api/v1/maintenance", body, authorized(test.token)...); w.Code != test.want {
			t.Errorf("from %s with %q: %s: %d %s", test.from, test.token, test.covers, w.Code, w.Body)
		}
	}
	f.from = lan
	clear(f.windows)
	f.do(http.MethodPost, "/api/v1/maintenance", `{"name":"a","duration":60,"targets":["*","mine"]}`)
	if got := f.windows["a"].Targets; !slices.Equal(got, []string{`\*`, "mine"}) {
		t.Errorf("a name that is a pattern too is stored as %q", got)
	}
	if w := f.do(http.MethodDelete, "/api/v1/maintenance/a", ""); w.Code != http.StatusNoContent {
		t.Errorf("it is not one's own any more: %d %s", w.Code, w.Body)
	}
	ofOthers := Maintenance{Name: "a", Targets: []string{"theirs"}, End: new(time.Now())}
	for name, m := range map[string]Maintenance{"of others": ofOthers, "of a pattern": {Name: "a", Targets: []string{"min*"}, End: new(time.Now())}, "of everything": {Name: "a", All: true, End: new(time.Now())}} {
		f.windows["a"], f.from = m, lan
		if w := f.do(http.MethodPost, "/api/v1/maintenance", `{"name":"a","duration":60,"targets":["mine"]}`); w.Code != http.StatusForbidden {
			t.Errorf("maintenance %s was replaced: %d %s", name, w.Code, w.Body)
		}
		if w := f.do(http.MethodDelete, "/api/v1/maintenance/a", ""); w.Code != http.StatusForbidden || len(f.windows) != 1 {
			t.Errorf("maintenance %s was removed: %d %s", name, w.Code, w.Body)
		}
	}
	f.windows["a"] = Maintenance{Name: "a", Targets: []string{"mine", "gone"}, End: new(time.Now())}
	if w := f.do(http.MethodDelete, "/api/v1/maintenance/a", ""); w.Code != http.StatusNoContent {
		t.Errorf("one's own maintenance: %d %s", w.Code, w.Body)
	}
}

func authorized(authorization string) []string {
	if authorization == "" {
		return nil
	}
	return []string{"Authorization", authorization}
}

// TestMaintenanceIsBounded and never cut.
func TestMaintenanceIsBounded(t *testing.T) {
	f := newFixture(t)
	begin := time.Now().UTC().Truncate(time.Second)
	at := func(d time.Duration) string { return begin.Add(d).Format(time.RFC3339) }
	const day = 24 * time.Hour
	for body, want := range map[string]string{
		`"duration":2592000`:                                 "",
		`"duration":2592001`:                                 `"field":"duration","detail":"is longer than the 30 days`,
		`"duration":9223372036854775807`:                     "30 days",
		`"duration":99999999999999999999`:                    "30 days",
		`"duration":1e3`:                                     "whole number of seconds",
		`"duration":1.5`:                                     "whole number of seconds",
		`"end":"` + at(30*day) + `","start":"` + at(0) + `"`: "",
		`"end":"` + at(30*day+time.Second) + `","start":"` + at(0) + `"`: `"field":"end","detail":"is more than 30 days`,
		`"end":"` + at(day) + `","start":"` + at(-30*day) + `"`:          "30 days",
		`"end":"2058-01-01T00:00:00Z"`:                                   "30 days",
		`"start":"2058-01-01T00:00:00Z","duration":3600`:                 "",
		`"start":"2058-01-02T00:00:00Z","end":"2058-01-01T00:00:00Z"`:    "is not after start",
		`"start":"0001-01-01T00:00:00Z","end":"9999-01-01T00:00:00Z"`:    "30 days",
		`"duration":3600,"all":"yes"`:                                    "must be true or false",
		`"duration":3600,"targets":["nas"]`:                              `"field":"all","detail":"cannot be used together`,
		`"duration":3600,"groups":["home"]`:                              `"field":"all"`,
	} {
		clear(f.windows)
		if !strings.Contains(body, `"all"`) {
			body = `"all":true,` + body
		}
		w := f.do(http.MethodPost, "/api/v1/maintenance", `{"name":"a",`+body+`}`)
		if want == "" && w.Code != http.StatusCreated || want != "" && (w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want)) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	for _, body := range []string{`"targets":[]`, `"groups":[]`, `"all":false`, `"all":null`, `"targets":null`} {
		w := f.do(http.MethodPost, "/api/v1/maintenance", `{"name":"a","duration":1,`+body+`}`)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "all: true") {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
}
