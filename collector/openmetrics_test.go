package collector

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	openMetricsMeta   = regexp.MustCompile(`^# (HELP|TYPE|UNIT) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$`)
	openMetricsSample = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*\})? (\S+)$`)
	suffixes          = map[string][]string{
		"gauge": {""}, "counter": {"_total"}, "info": {"_info"}, "histogram": {"_bucket", "_count", "_sum"},
	}
)

// checkOpenMetrics reads a page as strictly as the OpenMetrics text demands:
// families that do not interleave, samples named after the type of their
// family, units that are suffixes, no series twice, "# EOF" at the end and only there.
func checkOpenMetrics(t testing.TB, page string) {
	t.Helper()
	body, found := strings.CutSuffix(page, "# EOF\n")
	if !found {
		t.Fatalf("no # EOF at the end of\n%s", page)
	}
	var name, kind string
	seen, finished := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		if m := openMetricsMeta.FindStringSubmatch(line); m != nil {
			if m[2] != name {
				finished[name] = true
				name, kind = m[2], ""
			}
			switch {
			case finished[name]:
				t.Errorf("family %s comes in pieces", name)
			case m[1] == "TYPE":
				kind = m[3]
			case m[1] == "UNIT" && !strings.HasSuffix(name, "_"+m[3]):
				t.Errorf("%s does not end in its unit %s", name, m[3])
			}
			continue
		}
		m := openMetricsSample.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("neither sample nor metadata: %q", line)
			continue
		}
		suffix, ok := strings.CutPrefix(m[1], name)
		if !ok || !slices.Contains(suffixes[kind], suffix) {
			t.Errorf("%s does not belong to %s %s", m[1], kind, name)
		}
		if _, err := strconv.ParseFloat(m[3], 64); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if series := m[1] + m[2]; seen[series] {
			t.Errorf("%s is given twice", series)
		} else {
			seen[series] = true
		}
	}
}

func TestFormatsHaveTheSameSeries(t *testing.T) {
	samples := func(page string) (lines []string) {
		for line := range strings.Lines(page) {
			if !strings.HasPrefix(line, "#") {
				lines = append(lines, line)
			}
		}
		return lines
	}
	page := NewPage(fixed(), nil, nil)
	if !slices.Equal(samples(get(t, page, "")), samples(get(t, page, acceptOpenMetrics))) {
		t.Error("text and OpenMetrics differ in their samples")
	}
}
