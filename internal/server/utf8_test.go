package server

import (
	"net/http"
	"testing"
)

// TestOnlyUTF8: nothing is stored, logged or matched as another text than was sent.
func TestOnlyUTF8(t *testing.T) {
	f := newFixture(t)
	for _, body := range []string{
		"{\"app\": \"caf\xe9\", \"url\": \"http://192.0.2.1\"}",
		"{\"app\": \"a\", \"url\": \"http://192.0.2.1/\xff\"}",
		`{"app": "a\ud800", "url": "http://192.0.2.1"}`,
		`{"app": "a", "url": "http://192.0.2.1", "labels": {"x": "\udc00"}}`,
		`{"app": "a", "url": "http://192.0.2.1", "group": "\ud800\ud800"}`,
	} {
		f.expect(http.StatusBadRequest, f.do(http.MethodPost, "/api/v1/targets", body))
		f.expect(http.StatusBadRequest, f.do(http.MethodPost, "/api/v1/targets?dry_run=true", body))
	}
	f.expect(http.StatusBadRequest, f.do(http.MethodPost, "/api/v1/maintenance", "{\"name\": \"\xff\", \"all\": true, \"duration\": 60}"))
	f.expect(http.StatusBadRequest, f.do(http.MethodPut, "/api/v1/targets/caf%E9", `{"url": "http://192.0.2.1"}`))
	for _, path := range []string{
		"/?q=%FF", "/?%FF=q", "/probe?target=192.0.2.1&module=%FF",
		"/probe?target=http://192.0.2.1/%FF", "/logs?target=%ED%A0%80", "/public/?q=%C0%AF",
	} {
		if w := f.do(http.MethodGet, path, ""); w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if body := f.expect(http.StatusOK, f.do(http.MethodGet, "/api/v1/targets", "")); len(body["targets"].([]any)) != 0 {
		t.Errorf("%v", body)
	}
	f.expect(http.StatusCreated, f.do(http.MethodPost, "/api/v1/targets", `{"app": "caf\u00e9 \ud834\udd1e", "url": "http://192.0.2.1"}`))
	if w := f.do(http.MethodGet, "/api/v1/targets/caf%C3%A9%20%F0%9D%84%9E", ""); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
