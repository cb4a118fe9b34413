package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/health"
)

// TestBodiesThatAreNone are told as what they are.
func TestBodiesThatAreNone(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{"/api/v1/targets", "/api/v1/maintenance"} {
		for body, want := range map[string]string{
			"null": "must be one JSON object, it is null", "": "the body is empty", " \n ": "the body is empty", "[]": "it is a list", `"a"`: "it is a text", "1": "it is a number",
			`{"name": "a"`: "it ends in the middle", "{}{}": "there is data after it",
		} {
			got := toText(f.expect(http.StatusBadRequest, f.do("POST", path, body, "Content-Type", "application/json")))
			if !strings.Contains(got, want) || strings.Contains(got, "nil") || strings.Contains(got, "EOF") {
				t.Errorf("%s %q: %s", path, body, got)
			}
		}
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("{}"))
		r.ContentLength = 99999999999
		r.Header.Set("Content-Type", "application/json")
		r.RemoteAddr = "127.0.0.1:1"
		r.Host = "localhost"
		w := httptest.NewRecorder()
		f.handler.ServeHTTP(w, r)
		if w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(w.Body.String(), "at most 65536 bytes, not 99999999999") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		got := f.expect(http.StatusRequestEntityTooLarge, f.do("POST", path, `{"name": "`+strings.Repeat("x", 65536)+`"}`))
		if !strings.Contains(toText(got), "at most 65536 bytes") {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestAllFaultsOfMaintenance(t *testing.T) {
	f := newFixture(t)
	for body, want := range map[string][]string{
		`{"nmae": "x", "start": "soon", "targets": 5}`: {`"field":"nmae"`, `"start"`, `"targets"`, `"field":"name"`},
		`{"name": "a\u0001", "targets": ["b\u0001", "c\u0002", ""], "groups": ["d\u0003"], "duration": -1}`: {
			`"field":"name"`, `"targets[0]"`, `"targets[1]"`, `"targets[2]"`, `"groups[0]"`, `"duration"`,
		},
		`{"name": "", "duration": "x", "all": true, "groups": ["a"]}`: {`"field":"name"`, `"duration"`, `"all"`},
		`{"end": "2001-01-01T00:00:00Z", "duration": 5}`:              {`"field":"name"`, `"field":"targets"`, `"duration"`, `"field":"end"`},
	} {
		got := f.expect(http.StatusBadRequest, f.do("POST", "/api/v1/maintenance", body))
		list, _ := got["errors"].([]any)
		for _, part := range want {
			if !strings.Contains(toText(got), part) {
				t.Errorf("%s: %v, want %s", body, got, part)
			}
		}
		if len(list) != len(want) {
			t.Errorf("%s: %d faults, want %d: %v", body, len(list), len(want), got)
		}
	}
}

func TestPathsThatAreNone(t *testing.T) {
	f := newFixture(t)
	for path, want := range map[string]string{
		"/api/v1/nosuch": "there is nothing at /api/v1/nosuch; there is /api/v1/beat/{id}, ", "/api/v1/target": `did you mean \"targets\"?`, "/api/v2/targets": "/api/v1/targets", "/api/": "there is nothing at /api/",
	} {
		w := f.do("GET", path, "")
		f.expect(http.StatusNotFound, w)
		if !strings.Contains(w.Body.String(), want) || !strings.Contains(w.Body.String(), "/api/v1/maintenance") || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %s", path, w.Body)
		}
	}
}

// TestQueriesThatCannotBeRead are refused: otherwise what is wrong would be as if it was not
// there.
func TestQueriesThatCannotBeRead(t *testing.T) {
	f := newFixture(t)
	for path, want := range map[string]string{
		"/probe?target=http://%zz&module=http_2xx": `the parameter \"target\" is not valid: \"http://%zz\" has invalid URL escape \"%zz\"`,
		"/?q=100%":                  `the parameter \"q\" is not valid`,
		"/api/v1/targets?group=a;b": `the parameter \"group\" is not valid: \"a;b\" has invalid semicolon`,
		"/?%=1":                     `the parameter \"%\" is not valid`,
	} {
		w := f.do("GET", path, "")
		f.expect(http.StatusBadRequest, w)
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %s", path, w.Body)
		}
	}
}

// TestFiltersThatAreNone are noticed on the page.
func TestFiltersThatAreNone(t *testing.T) {
	f := newFixture(t)
	f.show(map[string]health.Verdict{"nas": health.Healthy})
	for query, want := range map[string]string{
		"state=bogus": "There is no state &#34;bogus&#34;, so all are shown; allowed are ", "label=room": "The label &#34;room&#34; is not looked at; it must be name=value",
		"page=x": "There is no page &#34;x&#34;", "page=-1": "There is no page", strings.Repeat("&label=a=b", 11): "10 are as many as there may be",
	} {
		if got := f.page("/?" + query); !strings.Contains(got, want) {
			t.Errorf("%s: %q is not there", query, want)
		}
	}
	for _, query := range []string{"", "state=&label=&page=&q=&group=", "state=HEALTHY", "state=troubled&label=a=b&page=1"} {
		if got := f.page("/?" + query); strings.Contains(got, "There is no") || strings.Contains(got, "not looked at") {
			t.Errorf("%q is noticed", query)
		}
	}
}

func TestPausedIsNotProbed(t *testing.T) {
	f := newFixture(t)
	f.expect(http.StatusCreated, f.do("POST", "/api/v1/targets", `{"app": "nas", "url": "http://10.0.0.1"}`))
	f.expect(http.StatusOK, f.do("POST", "/api/v1/targets/nas/pause", ""))
	got := f.expect(http.StatusConflict, f.do("POST", "/api/v1/targets/nas/probe", ""))
	if !strings.Contains(toText(got), "was not probed: it is paused; resume it first") {
		t.Errorf("%v", got)
	}
}
