package health

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// maxNesting is how deep the components of components are looked at.
const maxNesting = 3

// measurements collects the measurements of a report, whatever shape they have, up to
// maxMeasurements.
type measurements struct {
	checks map[string][]Measurement
	kept   int
}

// all keeps what stands below a name: the drafts, Spring Boot and ASP.NET Core have
// objects by name; MicroProfile and Runscope's healthcheck have a list in which each
// object tells its name.
func (k *measurements) all(prefix string, raw json.RawMessage, depth int) {
	var byName members
	if json.Unmarshal(raw, &byName) == nil {
		for _, name := range slices.Sorted(maps.Keys(byName)) { // so that a cut report is cut alike each time
			for _, each := range listOf(byName[name]) {
				k.one(prefix+name, each, depth)
			}
		}
		return
	}
	var list []members
	if json.Unmarshal(raw, &list) != nil {
		return
	}
	for _, m := range list {
		if name := m.text(maxWordRunes, "name", "checker", "key"); name != "" {
			each, err := json.Marshal(m)
			if err == nil {
				k.one(prefix+name, each, depth)
			}
		}
	}
}

// one keeps a measurement, and the components that it is made of in Spring Boot.
func (k *measurements) one(name string, raw json.RawMessage, depth int) {
	key := clean(name, maxWordRunes)
	if key == "" || k.kept == maxMeasurements {
		return
	}
	measured, ok := parseMeasurement(raw)
	if !ok {
		return
	}
	k.checks[key] = append(k.checks[key], measured)
	k.kept++
	var m members
	if json.Unmarshal(raw, &m) == nil && depth < maxNesting && len(m["components"]) > 0 {
		k.all(name+"/", m["components"], depth+1)
	}
}

// outcome is the status of a measurement: a word, or whether it has passed.
func (m members) outcome() Outcome {
	if passed := string(m["passed"]); passed == "true" {
		return Pass
	} else if passed == "false" {
		return Fail
	}
	return m.status("status")
}

// ParseWord reads an answer that is nothing but a word of status, as ASP.NET Core
// gives it by default: Healthy, Degraded or Unhealthy.
func ParseWord(body []byte) (o Outcome, ok bool) {
	switch string(bytes.TrimSpace(body)) { // which copies nothing
	case "Healthy":
		return Pass, true
	case "Degraded":
		return Warn, true
	case "Unhealthy":
		return Fail, true
	}
	return Reset, false
}
