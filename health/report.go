package health

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// MediaType is the media type of a Report, from draft-inadarei-api-health-check.
const MediaType = "application/health+json"

// MaxReportSize is the size above which a body is not read as a report.
const MaxReportSize = 64 << 10

// What is kept of a report. The peer who wrote it may be hostile: the rest is dropped.
const (
	maxReportDepth  = 32
	maxReportValues = 5000 // commas and opening brackets
	maxMeasurements = 50
	maxNotes        = 20
	maxWordRunes    = 128 // what may become a label
	maxTextRunes    = 512
	maxValueBytes   = 256
)

// Report is what a service says about its own health: the content type
// application/health+json. It is written as draft 06 has it; ParseReport reads
// the spellings of all drafts.
type Report struct {
	// Status is Pass, Warn or Fail; Reset if the report has no status we know.
	Status      Outcome  `json:"status,omitempty"`
	Version     string   `json:"version,omitempty"`
	ReleaseID   string   `json:"releaseId,omitempty"`
	ServiceID   string   `json:"serviceId,omitempty"`
	Description string   `json:"description,omitempty"`
	Output      string   `json:"output,omitempty"`
	Notes       []string `json:"notes,omitempty"`
	// Checks has the measurements by "component:measurement", or by a bare name.
	Checks map[string][]Measurement `json:"checks,omitempty"`
}

// Measurement is one element of a report's checks: one node's value of one thing.
type Measurement struct {
	ComponentID   string `json:"componentId,omitempty"`
	ComponentType string `json:"componentType,omitempty"`
	// ObservedValue is any JSON value; numbers are float64.
	ObservedValue any       `json:"observedValue,omitempty"`
	ObservedUnit  string    `json:"observedUnit,omitempty"`
	Status        Outcome   `json:"status,omitempty"`
	Time          time.Time `json:"time,omitzero"`
	Output        string    `json:"output,omitempty"`
}

// ParseReport reads a report in the spelling of any draft from 00 to 06. It
// forgives what it can: members of unknown names or wrong types are skipped,
// long texts are cut, and of the measurements at most 50 are kept. It is an
// error if the body is no JSON object, larger than MaxReportSize, or nested or
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

var statusWords = map[string]Outcome{
	"pass": Pass, "ok": Pass, "up": Pass, "success": Pass,
	"warn": Warn,
	"fail": Fail, "error": Fail, "down": Fail, "failure": Fail,
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
	var byName members
	if json.Unmarshal(m.first("checks", "details"), &byName) != nil || len(byName) == 0 {
		return nil
	}
	names := make([]string, 0, len(byName))
	for name := range byName {
		names = append(names, name)
	}
	slices.Sort(names) // so that a cut report is cut alike each time

	checks := make(map[string][]Measurement, min(len(names), maxMeasurements))
	kept := 0
	for _, name := range names {
		key := clean(name, maxWordRunes)
		if key == "" {
			continue
		}
		for _, raw := range listOf(byName[name]) {
			if kept == maxMeasurements {
				return checks
			}
			if one, ok := parseMeasurement(raw); ok {
				checks[key] = append(checks[key], one)
				kept++
			}
		}
	}
	return checks
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
		Status:        m.status("status"),
		Time:          at,
		Output:        m.text(maxTextRunes, "output"),
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
