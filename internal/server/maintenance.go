package server

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/health-exporter/health_exporter/client/api"
	"github.com/health-exporter/health_exporter/internal/names"
	"github.com/health-exporter/health_exporter/internal/server/access"
	"github.com/health-exporter/health_exporter/internal/strictjson"
	"github.com/health-exporter/health_exporter/prober"
)

// Maintenance is a time in which nobody is notified of some targets and checks.
type Maintenance struct {
	Name string `json:"name"`
	// Targets and Groups are names or patterns; All means everything.
	Targets []string `json:"targets,omitempty"`
	Groups  []string `json:"groups,omitempty"`
	All     bool     `json:"all,omitempty"`
	// Start and End are null for one that comes every week.
	Start *time.Time `json:"start"`
	End   *time.Time `json:"end"`
	// Source is config or api, and Open whether it is now.
	Source prober.Source `json:"source"`
	Open   bool          `json:"open"`
}

// ErrNotStored is wrapped by the error of a change that is not in force because it could
// not be stored.
var ErrNotStored = errors.New("not stored")

// MaintenanceWindows has all maintenance windows.
type MaintenanceWindows interface {
	// List gives those that are not over.
	List(now time.Time) []Maintenance
	// Covering reports for targets and checks whether one of those that are open covers
	// them.
	Covering(now time.Time) func(name, group string) bool
	// Add adds one, in place of the one of the same name that was added before. An
	// error says what is wrong with it, or wraps ErrNotStored.
	Add(m Maintenance) error
	// Remove ends one that was added, and reports whether there was one. An error that wraps
	// ErrNotStored leaves it.
	Remove(name string) (bool, error)
}

// listMaintenance lists maintenance as it is configured and was added, or a page of it by
// name.
func (s *server) listMaintenance(w http.ResponseWriter, r *http.Request) {
	p := readParams(r)
	of := p.part()
	if fault := p.refused(); fault != nil {
		fault.write(w)
		return
	}
	windows := slices.Clone(s.Maintenance.List(time.Now()))
	key := func(m Maintenance) string { return m.Name + "\x00" + string(m.Source) } // both may have one of the same name
	if of.paged {
		slices.SortFunc(windows, func(a, b Maintenance) int { return strings.Compare(key(a), key(b)) })
	}
	l := list[Maintenance]{name: "maintenance", all: slices.Values(windows), key: key, view: func(m Maintenance) any { return m }}
	l.answer(w, r, of)
}

// addMaintenance takes {"name", "targets", "groups" or "all", "duration"} or "start" and "end".
func (s *server) addMaintenance(w http.ResponseWriter, r *http.Request) {
	body, unread := readBody(w, r)
	if unread != nil {
		unread.write(w)
		return
	}
	m, faults, err := parseMaintenance(body, time.Now())
	switch {
	case err != nil:
		refuse(w, http.StatusBadRequest, err.Error())
		return
	case len(faults) > 0:
		(&problem{Status: http.StatusBadRequest, Title: "Invalid maintenance", Errors: faults}).write(w)
		return
	}
	if !s.maySilence(requester(r), &m) || !s.mayEnd(requester(r), m.Name) {
		refuse(w, http.StatusForbidden, othersMaintenance)
		return
	}
	if !requester(r).May(access.Admin) { // his own targets, whatever is in their names
		m.Targets = quoted(m.Targets)
	}
	switch err := s.Maintenance.Add(m); {
	case errors.Is(err, ErrNotStored):
		refuse(w, http.StatusInsufficientStorage, "the maintenance could not be stored and is not in force: "+err.Error())
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	s.Log.Info("maintenance added", "name", m.Name, "start", m.Start, "end", m.End, "by", requester(r).Owner())
	m.Source, m.Open = prober.SourceAPI, !time.Now().Before(*m.Start)
	writeJSON(w, http.StatusCreated, "application/json", m)
}

func (s *server) removeMaintenance(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if !s.mayEnd(requester(r), name) {
		refuse(w, http.StatusForbidden, othersMaintenance)
		return
	}
	switch known, err := s.Maintenance.Remove(name); {
	case errors.Is(err, ErrNotStored):
		refuse(w, http.StatusInsufficientStorage, "the end of the maintenance could not be stored, and it goes on: "+err.Error())
	case err != nil:
		problemOf(err).write(w)
	case !known:
		refuse(w, http.StatusNotFound, fmt.Sprintf("no maintenance %q was added; that of the configuration can only be ended there", name))
	default:
		s.Log.Info("maintenance removed", "name", name, "by", requester(r).Owner())
		w.WriteHeader(http.StatusNoContent)
	}
}

// maxName is how many characters the name of maintenance may have.
const maxName = 128

// maxPatterns is how many targets and groups maintenance may name.
const maxPatterns = 1000

// maxWild is how many of those may be patterns. Each is tried on each name, and names are
// only looked up.
const maxWild = 20

func countWild(list []string) (n int) {
	for _, each := range list {
		if names.Wild(each) {
			n++
		}
	}
	return n
}

// maintenanceBody is what a request says.
type maintenanceBody struct {
	Name     string       `json:"name"`
	Targets  []string     `json:"targets"`
	Groups   []string     `json:"groups"`
	All      bool         `json:"all"`
	Start    *time.Time   `json:"start"`
	End      *time.Time   `json:"end"`
	Duration *api.Seconds `json:"duration"`
}

// parseMaintenance finds all that is wrong with a body. A field of the wrong type is not
// out of range as well.
func parseMaintenance(text []byte, now time.Time) (Maintenance, []api.Fault, error) {
	var body maintenanceBody
	list, err := strictjson.Decode(text, &body, nil)
	if err != nil {
		return Maintenance{}, nil, err
	}
	var faults []api.Fault
	unread := map[string]bool{}
	for _, f := range list {
		faults, unread[f.Field] = append(faults, api.Fault{Field: f.Field, Detail: f.Detail}), true
	}
	add := func(field, detail string) {
		if of, _, _ := strings.Cut(field, "["); !unread[of] {
			faults = append(faults, api.Fault{Field: field, Detail: detail})
		}
	}
	m := Maintenance{Name: body.Name, Targets: body.Targets, Groups: body.Groups, All: body.All, Start: body.Start, End: body.End}
	switch {
	case m.Name == "":
		add("name", "is required")
	case utf8.RuneCountInString(m.Name) > maxName || strings.ContainsFunc(m.Name, prober.NotPrintable):
		add("name", fmt.Sprintf("must be printable and have at most %d characters", maxName))
	}
	checkPatterns("targets", m.Targets, add)
	checkPatterns("groups", m.Groups, add)
	if len(m.Targets) == 0 && len(m.Groups) == 0 && !m.All && !unread["targets"] && !unread["groups"] && !unread["all"] {
		add("targets", "give targets or groups, or all: true for everything")
	}
	if m.All && len(m.Targets)+len(m.Groups) > 0 {
		add("all", "cannot be used together with targets or groups")
	}
	if unread["start"] || unread["end"] || unread["duration"] {
		return m, faults, nil // how long it would be is not known
	}
	if m.Start == nil {
		m.Start = &now
	}
	switch duration := body.Duration.Duration(); {
	case duration%time.Second != 0:
		add("duration", "must be "+body.Duration.Wanted())
	case m.End != nil && duration != 0:
		add("duration", "cannot be used together with end")
	case m.End == nil && duration <= 0:
		add("duration", "must be a positive number of seconds, if there is no end")
	case m.End == nil:
		m.End = new(m.Start.Add(duration))
	}
	m.checkExtent(now, body.Duration != nil, add)
	return m, faults, nil
}

// checkPatterns looks at a list of names and patterns.
func checkPatterns(field string, list []string, add func(field, detail string)) {
	for i, name := range list[:min(len(list), maxPatterns)] {
		switch {
		case name == "":
			add(fmt.Sprintf("%s[%d]", field, i), "is empty, must be a name or a pattern such as web-*")
		case !utf8.ValidString(name) || strings.ContainsFunc(name, prober.NotPrintable):
			add(fmt.Sprintf("%s[%d]", field, i), fmt.Sprintf("%q must be printable", name))
		}
	}
	if len(list) > maxPatterns {
		add(field, fmt.Sprintf("has %d names or patterns, at most %d are allowed", len(list), maxPatterns))
	} else if n := countWild(list); n > maxWild {
		add(field, fmt.Sprintf("has %d patterns, at most %d are allowed besides names: give fewer that fit more, or groups", n, maxWild))
	}
}

// longestMaintenance bounds what is made over the API; what is to last longer stands in
// the configuration.
const longestMaintenance = 30 * 24 * time.Hour

// checkExtent looks at how long it is.
func (m *Maintenance) checkExtent(now time.Time, byDuration bool, add func(field, detail string)) {
	switch {
	case m.End == nil:
	case m.End.Sub(*m.Start) > longestMaintenance && byDuration:
		add("duration", fmt.Sprintf("is longer than the %d days that maintenance can last", longestMaintenance/(24*time.Hour)))
	case m.End.Sub(*m.Start) > longestMaintenance:
		add("end", fmt.Sprintf("is more than %d days after start, which is how long maintenance can last", longestMaintenance/(24*time.Hour)))
	case !m.End.After(now):
		add("end", "is over already")
	case !m.End.After(*m.Start):
		add("end", "is not after start")
	}
}
