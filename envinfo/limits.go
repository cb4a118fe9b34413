package envinfo

import (
	"io/fs"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"
)

// limitsSection is the section limits: what the process may use of its machine.
// What is unlimited or not known is null.
func limitsSection() map[string]any {
	limits := map[string]any{
		"gomaxprocs": runtime.GOMAXPROCS(0),
		"gomemlimit": nil,
		"gogc":       gcPercent(),
		"rlimits":    resourceLimits(),
		"cgroup":     controlGroup(),
	}
	// A negative limit only reads it; the largest number means that there is none.
	if bytes := debug.SetMemoryLimit(-1); bytes != math.MaxInt64 {
		limits["gomemlimit"] = bytes
	}
	return limits
}

// gcPercent is GOGC, or nil if the collector is off.
func gcPercent() any {
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 || sample[0].Value.Uint64() == math.MaxUint64 {
		return nil
	}
	return sample[0].Value.Uint64()
}

// bounds is a soft and a hard limit; nil is unlimited.
func bounds(soft, hard any) map[string]any { return map[string]any{"soft": soft, "hard": hard} }

// readLine is the content of a small file without its line break.
func readLine(system fs.FS, name string) (string, bool) {
	content, err := fs.ReadFile(system, name)
	if err != nil {
		return "", false
	}
	return strings.TrimSpace(string(content)), true
}
