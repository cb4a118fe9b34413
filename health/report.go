package health

import "time"

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
	// Status is Pass, Warn or Fail; Reset if the report has no known status.
	Status      Outcome  `json:"status,omitempty"`
	Version     string   `json:"version,omitempty"`
	ReleaseID   string   `json:"releaseId,omitempty"`
	ServiceID   string   `json:"serviceId,omitempty"`
	Description string   `json:"description,omitempty"`
	Output      string   `json:"output,omitempty"`
	Notes       []string `json:"notes,omitempty"`
	// Links are URIs by relation, such as "about". ParseReport omits them: nobody
	// should follow a link that a peer has chosen.
	Links map[string]string `json:"links,omitempty"`
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
