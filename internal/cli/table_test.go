package cli

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/client/api"
)

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func sample() []target {
	ago := func(d time.Duration) *time.Time { return new(noon.Add(-d)) }
	return []target{
		{Target: api.Target{
			Registration: api.Registration{App: "nas", URL: "http://10.0.0.9:5000"},
			State:        "HEALTHY", LastStateChange: ago(40 * 24 * time.Hour), LastCheck: ago(12 * time.Second), LastLatency: new(0.0123),
		}},
		{Target: api.Target{
			Registration: api.Registration{App: "web shop", Group: "shop", URL: "https://shop.example.org/a/rather/long/path"},
			State:        "UNHEALTHY", LastStateChange: ago(3*time.Hour + 5*time.Minute), LastCheck: ago(time.Second), LastLatency: new(5.0),
			LastReason: "timeout", LastError: "no answer within 5s from\x1b[31m 10.0.0.7:443",
		}},
		{Target: api.Target{Registration: api.Registration{App: "new|one", Address: "10.0.0.1"}, State: "UNKNOWN", Problem: `there is no module "x"`}},
		{Target: api.Target{
			Registration: api.Registration{App: "old", URL: "http://10.0.0.3"}, Paused: true, State: "UNHEALTHY", LastStateChange: ago(59 * time.Second),
		}},
		{Target: api.Target{
			Registration: api.Registration{App: "slow", Group: "shop", URL: "http://10.0.0.4"},
			State:        "DEGRADED", LastStateChange: ago(26 * time.Hour), LastLatency: new(0.000042),
		}},
	}
}

// TestGoldenTables compares what people see, on terminals of several widths.
func TestGoldenTables(t *testing.T) {
	var b strings.Builder
	for _, width := range []int{0, 100, 80} {
		for _, color := range []bool{false, true} {
			s := newScreen(false)
			s.Width, s.Color = width, color
			s.show((&Filter{}).choose(sample()), noon)
			for line := range strings.Lines(s.out.String()) {
				if n := utf8.RuneCountInString(line) - 1; width > 0 && !color && n > width {
					t.Errorf("%d characters do not fit: %s", n, line)
				}
			}
			fmt.Fprintf(&b, "-- width %d, color %v\n%s", width, color, strings.ReplaceAll(s.out.String(), "\x1b", "ESC"))
		}
	}
	v := judge(sample(), 5)
	fmt.Fprintf(&b, "-- verdict, exit code %d\n%s\n", v.code, v.line())
	golden := filepath.Join("testdata", "tables.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestJudge(t *testing.T) {
	in := func(states ...string) (list []target) {
		for _, s := range states {
			list = append(list, target{Target: api.Target{Registration: api.Registration{App: fmt.Sprint("a", len(list))}, State: s}})
		}
		return list
	}
	many := in("UNHEALTHY", "UNHEALTHY", "UNHEALTHY", "UNHEALTHY", "UNHEALTHY", "UNHEALTHY", "UNHEALTHY")
	paused := in("UNHEALTHY")
	paused[0].Paused = true
	for _, test := range []struct {
		targets []target
		code    int
		says    string
	}{
		{nil, 1, "there are no targets yet, so nothing is monitored"},
		{in("HEALTHY"), 0, "1 healthy | "},
		{in("HEALTHY", "DEGRADED"), 1, "1 degraded, 1 healthy | "},
		{in("HEALTHY", "UNKNOWN"), 1, "1 unknown, 1 healthy | "},
		{in("UNHEALTHY", "DEGRADED"), 2, "1 unhealthy (a0), 1 degraded | "},
		{in("DEGRADED", "UNHEALTHY", "UNKNOWN"), 2, "1 unhealthy (a1), 1 degraded, 1 unknown | "},
		{many, 2, "7 unhealthy (a0, a1, a2, a3, a4 and 2 more) | "},
		{paused, 0, "1 paused | "},
	} {
		v := judge(test.targets, len(test.targets))
		if v.code != test.code || !strings.HasPrefix(v.line(), test.says) {
			t.Errorf("got %d %q, want %d %q", v.code, v.line(), test.code, test.says)
		}
	}
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", -time.Hour: "0s", 59 * time.Second: "59s", 61 * time.Second: "1m1s", 12*time.Minute + 5*time.Second: "12m",
		3*time.Hour + 5*time.Minute: "3h5m", 26 * time.Hour: "1d2h", 40 * 24 * time.Hour: "40d", 24 * time.Hour: "1d",
	} {
		if got := age(new(noon.Add(-d)), noon); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	if got := age(nil, noon); got != "-" {
		t.Errorf("never: %q", got)
	}
}

func TestDidYouMean(t *testing.T) {
	names := []string{"nas", "web shop", "router"}
	for wrong, want := range map[string]string{"NAS": `"nas"`, "webshop": `"web shop"`, "ruoter": `"router"`, "completely else": "targets list"} {
		if got := didYouMean(wrong, names); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %s", wrong, got, want)
		}
	}
	if got := didYouMean("x", nil); got != "" {
		t.Errorf("of nothing: %q", got)
	}
}

func TestWholeSeconds(t *testing.T) {
	var d time.Duration
	v := WholeSeconds{Into: &d}
	for text, want := range map[string]time.Duration{"30": 30 * time.Second, "30s": 30 * time.Second, "2m": 2 * time.Minute, "0": 0} {
		if err := v.Set(text); err != nil || d != want {
			t.Errorf("%s: %s %v", text, d, err)
		}
	}
	for _, text := range []string{"", "1.5s", "-3", "soon"} {
		if err := v.Set(text); err == nil || !strings.Contains(err.Error(), "must be whole seconds") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
