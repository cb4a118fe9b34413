package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/strictyaml"
)

// Maintenance is a time in which nobody is notified of some targets and checks. It comes
// once, from Start to End, or every week.
type Maintenance struct {
	Name            string
	Targets, Groups []string
	Start, End      time.Time
	// Weekly means that it begins on Days (none means every day) at From, and ends at To,
	// by the clock of Location.
	Weekly   bool
	Days     []time.Weekday
	From, To time.Duration
	Location *time.Location
}

type maintenanceSection struct {
	Name     string      `yaml:"name"`
	Targets  []yaml.Node `yaml:"targets"`
	Groups   []yaml.Node `yaml:"groups"`
	Start    yaml.Node   `yaml:"start"`
	End      yaml.Node   `yaml:"end"`
	Days     []yaml.Node `yaml:"days"`
	From     yaml.Node   `yaml:"from"`
	To       yaml.Node   `yaml:"to"`
	Timezone yaml.Node   `yaml:"timezone"`
}

func (doc *document) maintenance(d *decoder) []Maintenance {
	var list []Maintenance
	for i := range doc.Maintenance {
		n, at := &doc.Maintenance[i], fmt.Sprintf("maintenance[%d]", i)
		var s maintenanceSection
		if d.Decode(n, at, &s) || n.Kind == yaml.MappingNode {
			list = append(list, s.build(d.Faults, n, at))
		}
	}
	return list
}

func (s *maintenanceSection) build(faults *strictyaml.Faults, n *yaml.Node, at string) Maintenance {
	m := Maintenance{
		Name: s.Name, Targets: patterns(faults, s.Targets, at+".targets"), Groups: patterns(faults, s.Groups, at+".groups"),
		Weekly: s.From.Value != "" || s.To.Value != "", Location: time.Local,
	}
	if zone := s.Timezone.Value; zone != "" {
		location, err := time.LoadLocation(zone)
		if err != nil {
			faults.Add(s.Timezone.Line, at+".timezone", "%q is not a valid time zone, such as Europe/Berlin or UTC", zone)
		} else {
			m.Location = location
		}
	}
	if m.Weekly {
		s.weekly(faults, n, at, &m)
		return m
	}
	for _, days := range s.Days {
		faults.Add(days.Line, at+".days", "needs from and to")
	}
	moment := func(n *yaml.Node, key string, line int) time.Time {
		t, err := time.Parse(time.RFC3339, n.Value)
		if err != nil {
			faults.Add(max(n.Line, line), at+"."+key, "%q is not a valid time, such as 2026-12-24T18:00:00+01:00; weekly maintenance has from and to", n.Value)
		}
		return t
	}
	before := len(faults.List)
	m.Start, m.End = moment(&s.Start, "start", n.Line), moment(&s.End, "end", n.Line)
	if len(faults.List) == before && !m.End.After(m.Start) {
		faults.Add(s.End.Line, at+".end", "is not after start")
	}
	return m
}

func (s *maintenanceSection) weekly(faults *strictyaml.Faults, n *yaml.Node, at string, m *Maintenance) {
	if s.Start.Value != "" || s.End.Value != "" {
		faults.Add(n.Line, at, "has start or end, and from or to: give one or the other")
	}
	before := len(faults.List)
	m.From, m.To = timeOfDay(faults, &s.From, at+".from", n.Line), timeOfDay(faults, &s.To, at+".to", n.Line)
	if m.From == m.To && len(faults.List) == before {
		faults.Add(n.Line, at+".to", "must be another time than from")
	}
	if m.From == 24*time.Hour {
		faults.Add(n.Line, at+".from", "must be before 24:00")
	}
	for _, day := range s.Days {
		weekday, ok := weekdays[strings.ToLower(day.Value)]
		if !ok {
			faults.Add(day.Line, at+".days", "%q is not a day of the week, such as monday", day.Value)
		}
		m.Days = append(m.Days, weekday)
	}
}

var weekdays = map[string]time.Weekday{
	"sunday": time.Sunday, "monday": time.Monday, "tuesday": time.Tuesday, "wednesday": time.Wednesday,
	"thursday": time.Thursday, "friday": time.Friday, "saturday": time.Saturday,
}

// timeOfDay reads 02:30 or 24:00.
func timeOfDay(faults *strictyaml.Faults, n *yaml.Node, at string, line int) time.Duration {
	if n.Value == "24:00" {
		return 24 * time.Hour
	}
	t, err := time.Parse("15:04", n.Value)
	if err != nil {
		faults.Add(max(n.Line, line), at, "%q is not a valid time of day; write it in quotes, as \"02:30\"", n.Value)
		return 0
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
}

func patterns(faults *strictyaml.Faults, nodes []yaml.Node, at string) []string {
	var list []string
	for _, n := range nodes {
		if n.Kind != yaml.ScalarNode || n.Value == "" {
			faults.Add(n.Line, at, "%s is not a valid name or pattern, such as web-*", strictyaml.Found(&n))
		}
		list = append(list, n.Value)
	}
	return slices.Clip(list)
}
