package oracle

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// durations differ by nature. Of them only counts whether they are 0: a phase that
// never took place.
var durations = map[string]bool{
	"probe_duration_seconds":           true,
	"probe_dns_lookup_time_seconds":    true,
	"probe_http_duration_seconds":      true,
	"probe_dns_duration_seconds":       true,
	"probe_icmp_duration_seconds":      true,
	"probe_grpc_duration_seconds":      true,
	"probe_websocket_duration_seconds": true,
}

// compareAnswers names each difference between two answers of /probe.
func (l *listeners) compareAnswers(ours, theirs probeAnswer) []string {
	if ours.status != theirs.status {
		return []string{fmt.Sprintf("status: ours %d, theirs %d", ours.status, theirs.status)}
	}
	if ours.status != 200 {
		return nil
	}
	mine, err := readSeries(ours.page)
	if err != nil {
		return []string{"our page cannot be read: " + err.Error()}
	}
	others, err := readSeries(theirs.page)
	if err != nil {
		return []string{"their page cannot be read: " + err.Error()}
	}
	return append(l.compareRequests(mine, others), compareSeries(mine, others)...)
}

// compareRequests compares what the two have sent, if the pages show the checksums
// of two requests. The metrics that depend on it are taken away.
func (l *listeners) compareRequests(ours, theirs map[string]series) []string {
	const modified = "probe_http_last_modified_timestamp_seconds{}"
	mine, ok := l.echoed.Load(ours[modified].value)
	other, both := l.echoed.Load(theirs[modified].value)
	if !ok || !both || mine == other {
		return nil
	}
	for _, page := range []map[string]series{ours, theirs} {
		for _, key := range []string{modified, "probe_http_content_length{}", "probe_http_uncompressed_body_length{}"} {
			delete(page, key)
		}
	}
	var diffs []string
	ourLines, theirLines := strings.Split(mine.(string), "\n"), strings.Split(other.(string), "\n")
	for _, line := range ourLines {
		if !slices.Contains(theirLines, line) {
			diffs = append(diffs, "request: only ours: "+line)
		}
	}
	for _, line := range theirLines {
		if !slices.Contains(ourLines, line) {
			diffs = append(diffs, "request: only theirs: "+line)
		}
	}
	if len(diffs) == 0 {
		diffs = append(diffs, "request: the same lines, but not in the same order or number")
	}
	return diffs
}

// series is one line of the page.
type series struct {
	family string
	labels map[string]string
	value  float64
}

func (s series) String() string {
	pairs := make([]string, 0, len(s.labels))
	for _, name := range slices.Sorted(maps.Keys(s.labels)) {
		pairs = append(pairs, fmt.Sprintf("%s=%q", name, s.labels[name]))
	}
	return s.family + "{" + strings.Join(pairs, ",") + "}"
}

// readSeries reads a page in Prometheus' text format.
func readSeries(page string) (map[string]series, error) {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(page))
	if err != nil {
		return nil, err
	}
	found := map[string]series{}
	for name, family := range families {
		if family.GetType() != dto.MetricType_GAUGE {
			return nil, fmt.Errorf("%s is not a gauge but a %s", name, family.GetType())
		}
		for _, m := range family.GetMetric() {
			s := series{family: name, labels: map[string]string{}, value: m.GetGauge().GetValue()}
			for _, pair := range m.GetLabel() {
				s.labels[pair.GetName()] = pair.GetValue()
			}
			if m.TimestampMs != nil {
				return nil, fmt.Errorf("%s has a timestamp", s)
			}
			found[s.String()] = s
		}
	}
	return found, nil
}

func compareSeries(ours, theirs map[string]series) []string {
	var diffs []string
	var onlyOurs, onlyTheirs []series
	for _, key := range slices.Sorted(maps.Keys(ours)) {
		if other, ok := theirs[key]; ok {
			diffs = append(diffs, compareValues(ours[key], other)...)
		} else {
			onlyOurs = append(onlyOurs, ours[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(theirs)) {
		if _, ok := ours[key]; !ok {
			onlyTheirs = append(onlyTheirs, theirs[key])
		}
	}
	for _, s := range onlyOurs {
		if pair, ok := takeFamily(&onlyTheirs, s.family); ok {
			diffs = append(diffs, compareLabels(s, pair)...)
			diffs = append(diffs, compareValues(s, pair)...)
			continue
		}
		diffs = append(diffs, "only ours: "+s.String())
	}
	for _, s := range onlyTheirs {
		diffs = append(diffs, "only theirs: "+s.String())
	}
	return diffs
}

// takeFamily removes the only series of a family, which is another's counterpart
// though not all their labels are the same.
func takeFamily(list *[]series, family string) (series, bool) {
	isOne := func(s series) bool { return s.family == family }
	i := slices.IndexFunc(*list, isOne)
	if i < 0 || slices.ContainsFunc((*list)[i+1:], isOne) {
		return series{}, false
	}
	s := (*list)[i]
	*list = slices.Delete(*list, i, i+1)
	return s, true
}

func compareLabels(ours, theirs series) []string {
	var diffs []string
	for _, name := range slices.Sorted(maps.Keys(ours.labels)) {
		switch value, ok := theirs.labels[name]; {
		case !ok:
			diffs = append(diffs, fmt.Sprintf("only ours: label %s of %s", name, ours.family))
		case value != ours.labels[name]:
			diffs = append(diffs, fmt.Sprintf("label %s of %s: ours %q, theirs %q", name, ours.family, ours.labels[name], value))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(theirs.labels)) {
		if _, ok := ours.labels[name]; !ok {
			diffs = append(diffs, fmt.Sprintf("only theirs: label %s of %s", name, ours.family))
		}
	}
	return diffs
}

func compareValues(ours, theirs series) []string {
	a, b := ours.value, theirs.value
	if durations[ours.family] {
		if a < 0 || (a == 0) != (b == 0) {
			return []string{fmt.Sprintf("value of %s: ours %v, theirs %v", ours, a, b)}
		}
		return nil
	}
	if a != b && !(math.IsNaN(a) && math.IsNaN(b)) {
		return []string{fmt.Sprintf("value of %s: ours %v, theirs %v", ours, a, b)}
	}
	return nil
}
