package schedule

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// How much of the last answer of a target is kept: of one that passes it is looked at
// by nobody, and there are many of them.
const (
	maxPassedResponse = 4 << 10
	maxResponse       = 64 << 10
)

// keptResponse is the answer as it is kept. Of one that is longer the beginning is kept,
// as a text, since it would be no JSON any more.
func keptResponse(res *prober.Result) []byte {
	limit := maxResponse
	if res.Outcome == health.Pass {
		limit = maxPassedResponse
	}
	if len(res.Response) <= limit {
		return res.Response
	}
	end := limit * 3 / 4 // what is escaped takes more room
	for end > 0 && !utf8.RuneStart(res.Response[end]) {
		end--
	}
	for {
		cut, err := json.Marshal(fmt.Sprintf("%s… (%d bytes)", res.Response[:end], len(res.Response)))
		if err == nil && len(cut) <= limit {
			return cut
		}
		if end /= 2; end == 0 {
			return nil
		}
		for end > 0 && !utf8.RuneStart(res.Response[end]) {
			end--
		}
	}
}
