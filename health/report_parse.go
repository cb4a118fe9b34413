package health

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// ParseReport reads a report in the spelling of any draft from 00 to 06, and what
// Runscope's healthcheck, Spring Boot Actuator, MicroProfile Health and ASP.NET Core
// answer as JSON. It
// forgives what it can: members of unknown names or wrong types are skipped,
// long texts are cut, and of the measurements at most 50 are kept. It is an
// error if the body is not a valid JSON object, larger than MaxReportSize, or nested or
// filled beyond reason.
func ParseReport(body []byte) (*Report, error) {
	if err := plausible(body); err != nil {
		return nil, fmt.Errorf("reading health report: %w", err)
	}
	var top members
	if err := json.Unmarshal(body, &top); err != nil {
		return nil, fmt.Errorf("reading health report: %w", err)
	}
	if top == nil {
		return nil, errors.New("reading health report: not an object")
	}
	return &Report{
		Status:      top.status("status"),
		Version:     top.text(maxWordRunes, "version"),
		ReleaseID:   top.text(maxWordRunes, "releaseId", "releaseID"),
		ServiceID:   top.text(maxWordRunes, "serviceId", "serviceID"),
		Description: top.text(maxTextRunes, "description"),
		Output:      top.text(maxTextRunes, "output"),
		Notes:       top.notes(),
		Checks:      top.checks(),
	}, nil
}

// plausible refuses bodies that cost more to parse than a report is worth.
func plausible(body []byte) error {
	if len(body) > MaxReportSize {
		return fmt.Errorf("larger than %d bytes", MaxReportSize)
	}
	depth, values, quoted := 0, 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			values++
		case c == '}' || c == ']':
			depth--
		case c == ',':
			values++
		}
		if depth > maxReportDepth {
			return fmt.Errorf("nested deeper than %d", maxReportDepth)
		}
		if values > maxReportValues {
			return fmt.Errorf("more than %d values", maxReportValues)
		}
	}
	return nil
}

// members are the members of a JSON object, not yet decoded.
type members map[string]json.RawMessage

// first returns the first of the names that is there.
func (m members) first(names ...string) json.RawMessage {
	for _, name := range names {
		if raw, ok := m[name]; ok {
			return raw
		}
	}
	return nil
}

// text reads a string, or the digits of a number; anything else is empty.
func (m members) text(limit int, names ...string) string {
	return textOf(m.first(names...), limit)
}

func textOf(raw json.RawMessage, limit int) string {
	if len(raw) == 0 {
		return ""
	}
	var text string
	switch c := raw[0]; {
	case c == '"':
		if json.Unmarshal(raw, &text) != nil {
			return ""
		}
	case c == '-' || c >= '0' && c <= '9':
		text = string(raw)
	}
	return clean(text, limit)
}

// clean makes text fit for one line of limited length.
func clean(text string, limit int) string {
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text))
	if len(text) <= limit || utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit-1]) + "…"
}

// statusWords are those of the drafts, of Runscope's healthcheck, Spring Boot,
// MicroProfile and ASP.NET Core.
var statusWords = map[string]Outcome{
	"pass": Pass, "ok": Pass, "up": Pass, "success": Pass, "healthy": Pass,
	"warn": Warn, "degraded": Warn,
	"fail": Fail, "error": Fail, "down": Fail, "failure": Fail, "unhealthy": Fail, "out_of_service": Fail,
}

// status reads a status word in any case; numbers and unknown words are Reset.
func (m members) status(name string) Outcome {
	raw := m[name]
	if len(raw) == 0 || raw[0] != '"' {
		return Reset
	}
	return statusWords[strings.ToLower(textOf(raw, maxWordRunes))]
}

func (m members) notes() []string {
	var notes []string
	for i, raw := range listOf(m["notes"]) {
		if i == maxNotes {
			break
		}
		if note := textOf(raw, maxTextRunes); note != "" {
			notes = append(notes, note)
		}
	}
	return notes
}

// listOf reads an array, or takes a single value as an array of one.
func listOf(raw json.RawMessage) []json.RawMessage {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return nil
	}
	if raw[0] != '[' {
		return []json.RawMessage{raw}
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list
}

func (m members) checks() map[string][]Measurement {
	k := measurements{checks: map[string][]Measurement{}}
	for _, member := range []string{"checks", "details", "components", "entries", "results"} {
		if raw := m[member]; len(raw) > 0 {
			k.all("", raw, 0)
		}
	}
	if len(k.checks) == 0 {
		return nil
	}
	return k.checks
}

func parseMeasurement(raw json.RawMessage) (Measurement, bool) {
	var m members
	if json.Unmarshal(raw, &m) != nil || m == nil {
		return Measurement{}, false
	}
	at, _ := time.Parse(time.RFC3339, m.text(maxWordRunes, "time"))
	return Measurement{
		ComponentID:   m.text(maxWordRunes, "componentId", "componentID"),
		ComponentType: m.text(maxWordRunes, "componentType", "type"),
		ObservedValue: observed(m.first("observedValue", "metricValue")),
		ObservedUnit:  m.text(maxWordRunes, "observedUnit", "metricUnit"),
		Status:        m.outcome(),
		Time:          at,
		Output:        m.text(maxTextRunes, "output", "description", "error", "exception"),
	}, true
}

// observed decodes a value unless it is too large to be kept for every target.
func observed(raw json.RawMessage) any {
	if len(raw) > maxValueBytes {
		return nil
	}
	var value any
	if len(raw) == 0 || json.Unmarshal(raw, &value) != nil {
		return nil
	}
	return value
}
