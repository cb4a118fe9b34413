package envinfo

import (
	"bytes"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

// startTime is when the process began, to about a second; the present time if /proc does not
// say.
func startTime() time.Time {
	if begin, ok := processBegin(os.DirFS("/proc")); ok {
		return begin
	}
	return time.Now()
}

// ticksPerSecond is the unit of /proc/self/stat on every architecture.
const ticksPerSecond = 100

// processBegin adds the ticks from boot to the process to the time of boot.
func processBegin(proc fs.FS) (time.Time, bool) {
	stat, err := fs.ReadFile(proc, "self/stat")
	if err != nil {
		return time.Time{}, false
	}
	// The second field is the name, in brackets, and may hold anything.
	const starttime = 22 - 3
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) <= starttime {
		return time.Time{}, false
	}
	ticks, err := strconv.ParseInt(fields[starttime], 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	all, err := fs.ReadFile(proc, "stat")
	if err != nil {
		return time.Time{}, false
	}
	for line := range strings.Lines(string(all)) {
		if text, ok := strings.CutPrefix(line, "btime "); ok {
			boot, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
			return time.Unix(boot, 0).Add(time.Duration(ticks) * time.Second / ticksPerSecond), err == nil
		}
	}
	return time.Time{}, false
}
