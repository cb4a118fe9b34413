package server

import (
	"net/http"
	"testing"
)

// TestRegisteredCircle: of two registrations that depend on each other the later one is
// refused, with the circle.
func TestRegisteredCircle(t *testing.T) {
	f := newFixture(t)
	const target = `"url": "http://10.0.0.1"`
	f.expect(http.StatusCreated, f.do("PUT", "/api/v1/targets/nas", `{`+target+`, "depends_on": ["switch"]}`))
	for _, query := range []string{"", "?dry_run=true"} {
		got := f.expect(http.StatusBadRequest, f.do("PUT", "/api/v1/targets/switch"+query, `{`+target+`, "depends_on": ["router", "nas"]}`))
		fault, _ := got["errors"].([]any)
		if len(fault) != 1 || fault[0].(map[string]any)["field"] != "depends_on" ||
			fault[0].(map[string]any)["detail"] != `makes a circle: "switch" depends on "nas" depends on "switch"` {
			t.Errorf("%q: %v", query, got)
		}
	}
	f.expect(http.StatusCreated, f.do("PUT", "/api/v1/targets/switch", `{`+target+`, "depends_on": ["router"]}`))
	f.expect(http.StatusOK, f.do("PUT", "/api/v1/targets/switch", `{`+target+`, "depends_on": ["router"], "group": "g"}`))
	f.expect(http.StatusBadRequest, f.do("PUT", "/api/v1/targets/switch", `{`+target+`, "depends_on": ["nas"]}`))
}
