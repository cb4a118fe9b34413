package server

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// An answer is shown as it was sent, but for its secrets.
func TestShownResponse(t *testing.T) {
	for raw, want := range map[string]string{
		`{"status": "pass", "b":1, "a":2}`:                        `{"status": "pass", "b":1, "a":2}`,
		`{"b":1,"password":"swordfish","a":12345678901234567890}`: `{"a":12345678901234567890,"b":1,"password":"********"}`,
		`{"pin":1234}`: `{"pin":"********"}`,
		`{"error":"x\r\nAuthorization: Bearer swordfish"}`: `{"error":"x\r\nAuthorization: Bearer ********"}`,
		`["https://u:swordfish@h/"]`:                       `["https://********@h/"]`,
		`{"cut":"swordfish`:                                `"{\"cut\":\"swordfish"`,
		`{"token":"swordfish`:                              `"{\"token\":\"********"`,
		``:                                                 ``,
	} {
		got := shownResponse([]byte(raw))
		if string(got) != want || raw != "" && !json.Valid(got) {
			t.Errorf("%s\nis shown as %s\nwant        %s", raw, got, want)
		}
	}
}

// What only some may see is kept by no cache, and runs nothing in a browser.
func TestPrivatePages(t *testing.T) {
	f := newFixture(t)
	f.deps.Profiling = true
	f.handler = New(f.deps)
	for _, path := range []string{"/config", "/logs", "/logs?id=7", "/logs?id=1", "/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=1", "/debug/pprof/symbol", "/probe?debug=true&target=127.0.0.1:1&module=tcp_connect"} {
		w := f.do(http.MethodGet, path, "")
		h := w.Header()
		if w.Code == http.StatusNotFound && !strings.HasPrefix(path, "/logs") || h.Get("Cache-Control") != "no-store" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", path, w.Code, h)
		}
	}
}

// What cannot be seen in an answer is written so that it can; the JSON says the same.
func TestUnseenInAnswers(t *testing.T) {
	for text, want := range map[string]string{
		"": "", `{"a":"b\u00e9"}`: `{"a":"b\u00e9"}`, `{"a":"bé中🙂"}`: `{"a":"bé中🙂"}`, "{\n\t\"a\": 1}": "{\n\t\"a\": 1}",
		"{\"a\":\"x\u202ey\"}": `{"a":"x\u202ey"}`, "{\"\u200b\":\"\ufeff\"}": `{"\u200b":"\ufeff"}`, "[\"\U000e0041\"]": `["\udb40\udc41"]`, "[\"\u0085\u007f\"]": `["\u0085\u007f"]`,
		"{\"password\":\"x\",\"a\":\"\u202e\"}": `{"a":"\u202e","password":"********"}`,
	} {
		got := shownResponse([]byte(text))
		if string(got) != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
		var before, after any
		if text != "" && !strings.Contains(text, "password") && (json.Unmarshal([]byte(text), &before) != nil || json.Unmarshal(got, &after) != nil || !reflect.DeepEqual(before, after)) {
			t.Errorf("%q says something else: %q", text, got)
		}
	}
}
