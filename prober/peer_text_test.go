package prober

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// TestTextsOfPeersAreSeen: what a peer says is kept and shown, in lists, logs, mails and
// terminals, and must not hide anything there, or turn it round.
func TestTextsOfPeersAreSeen(t *testing.T) {
	for _, bad := range []string{"\u202e", "\u2066", "\u200b", "\ufeff", "\u00ad", "\u3164", "\x1b[31m", "\x00", "\x07", "\u2028", "\u0085", "\U000e0041", "\r\n", "\x7f", "\xff", "\u00a0"} {
		text := "evil" + bad + "live"
		quoted := strings.NewReplacer("\x1b", `\u001b`, "\x00", `\u0000`, "\x07", `\u0007`, "\r", `\r`, "\n", `\n`).Replace(text)
		peer := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/go" {
				w.Header().Set("Location", "http://"+strings.NewReplacer("\r", "", "\n", "", "\x00", "").Replace(text)+"/")
				w.WriteHeader(http.StatusFound)
				return
			}
			w.Header().Set("Content-Type", "application/health+json")
			fmt.Fprintf(w, `{"status": "fail", "output": "%s", "version": "%[1]s", "releaseId": "%[1]s", "serviceId": "%[1]s", "description": "%[1]s", "notes": ["%[1]s"], "checks": {"%[1]s:a": [{"componentId": "%[1]s", "componentType": "%[1]s", "observedUnit": "%[1]s", "observedValue": "%[1]s", "output": "%[1]s"}]}}`, quoted)
		})
		for what, res := range map[string]Result{
			"health":   probeWithin(t, moduleFrom(t, "health", "{}"), 2*time.Second, Request{Target: peer}),
			"redirect": probeWithin(t, moduleFrom(t, "http", "{}"), 2*time.Second, Request{Target: peer + "/go"}),
			"tcp":      probeWithin(t, moduleFrom(t, "tcp", `query_response: [{expect: "^never"}]`), 2*time.Second, Request{Target: listen(t, func(conn net.Conn) { _, _ = conn.Write([]byte(text + "\n")); conn.Close() })}),
		} {
			texts := []string{res.Error}
			if r := res.Report; r != nil {
				texts = append(texts, r.Version, r.ReleaseID, r.ServiceID, r.Description, r.Output)
				texts = append(texts, r.Notes...)
				for key, list := range r.Checks {
					texts = append(texts, key, list[0].ComponentID, list[0].ComponentType, list[0].ObservedUnit, fmt.Sprint(list[0].ObservedValue), list[0].Output)
				}
			} else if what == "health" && bad != "\xff" {
				t.Errorf("%q: no report, and the test cannot fail: %s", bad, res.Error)
			}
			if res.Error == "" {
				t.Errorf("%s with %q passes", what, bad)
			}
			for _, each := range texts {
				if strings.ContainsFunc(each, NotPrintable) || !utf8.ValidString(each) {
					t.Errorf("%s with %q says %q", what, bad, each)
				}
			}
		}
	}
}
