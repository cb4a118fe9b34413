package envinfo

import (
	"fmt"
	"math"
	"runtime/debug"
	"syscall"
	"testing"
	"testing/fstest"
	"time"
)

func TestParseLimits(t *testing.T) {
	const table = `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max open files            1024                 524288               files     
Max nice priority         0                    0                    
short
Max locked memory         8388608
`
	const want = "map[cpu:map[hard:<nil> soft:<nil>] nofile:map[hard:524288 soft:1024]]"
	if got := fmt.Sprint(parseLimits(table)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestLimitsOfThisProcess compares with what the system says in another way.
func TestLimitsOfThisProcess(t *testing.T) {
	before := debug.SetMemoryLimit(1 << 40)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	limits := limitsSection()
	if limits["gomemlimit"] != int64(1<<40) {
		t.Errorf("gomemlimit is %v", limits["gomemlimit"])
	}
	debug.SetMemoryLimit(math.MaxInt64)
	if got := limitsSection()["gomemlimit"]; got != nil {
		t.Errorf("gomemlimit is %v, but there is none", got)
	}
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprint(bounds(r.Cur, r.Max))
	if got := fmt.Sprint(limits["rlimits"].(map[string]any)["nofile"]); got != want {
		t.Errorf("nofile is %s, want %s", got, want)
	}
}

func TestProcessBegin(t *testing.T) {
	proc := fstest.MapFS{
		"stat":      {Data: []byte("cpu 1 2 3\nbtime 1700000000\n")},
		"self/stat": {Data: []byte("7 (a) b (c)) S 1 7 7 0 -1 4 1 0 0 0 1 1 0 0 20 0 5 0 12345 1 1\n")},
	}
	begin, ok := processBegin(proc)
	if want := time.Unix(1700000123, 450_000_000); !ok || !begin.Equal(want) {
		t.Errorf("got %v, want %v", begin, want)
	}
	for _, broken := range []string{"", "7 (a", "7 (a) S 1"} {
		proc["self/stat"] = &fstest.MapFile{Data: []byte(broken)}
		if _, ok := processBegin(proc); ok {
			t.Errorf("%q tells the time", broken)
		}
	}
}
