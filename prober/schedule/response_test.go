package schedule

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// Of a target that passes less is kept than of one that does not; what is kept is JSON.
func TestKeptResponse(t *testing.T) {
	for _, test := range []struct {
		outcome     health.Outcome
		size, limit int
	}{{health.Pass, 4 << 10, 4 << 10}, {health.Pass, 4<<10 + 1, 4 << 10}, {health.Pass, 1 << 20, 4 << 10}, {health.Warn, 64 << 10, 64 << 10}, {health.Fail, 64<<10 + 1, 64 << 10}, {health.Fail, 1 << 20, 64 << 10}} {
		for _, filler := range []string{"a", `"`, "é", "\x01", "🙂"} {
			inner, _ := json.Marshal(strings.Repeat(filler, test.size/len(filler)+1))
			raw := inner
			if filler == "a" {
				raw = []byte(`"` + strings.Repeat("a", test.size-2) + `"`)
			}
			got := keptResponse(&prober.Result{Outcome: test.outcome, Response: raw})
			if len(got) > test.limit || !json.Valid(got) || len(got) < test.limit/3 {
				t.Errorf("%v of %d bytes of %q: %d bytes kept, valid %v", test.outcome, len(raw), filler, len(got), json.Valid(got))
			}
			if whole := len(raw) <= test.limit; whole != (string(got) == string(raw)) {
				t.Errorf("%v of %d bytes: whole %v", test.outcome, len(raw), !whole)
			}
		}
	}
}
