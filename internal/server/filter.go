package server

import (
	"fmt"
	"slices"
	"strings"

	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/server/page"
	"github.com/health-exporter/health_exporter/prober"
)

// filter is which targets and checks a request of the API asks for. Of the values of one
// parameter any will do, but of labels all must be there; what is not given does not matter.
type filter struct {
	states, groups, sources []string
	labels                  []label
	search                  search
}

type label struct{ name, value string }

// filter reads state, group, source, label and q.
func (p *params) filter() filter {
	f := filter{
		states: p.words("state", page.Filter{}.States()), groups: p.all("group"), sources: p.all("source"),
	}
	for _, each := range p.all("label") {
		name, value, ok := strings.Cut(each, "=")
		if !ok || name == "" {
			p.fault("label", fmt.Sprintf("%q must be a name and a value, such as room=attic", each))
		}
		f.labels = append(f.labels, label{name, value})
	}
	query := p.one("q")
	if len(query) > maxFilter {
		p.fault("q", fmt.Sprintf("has %d bytes, at most %d are allowed", len(query), maxFilter))
	}
	f.search = searchFor(query)
	return f
}

// empty reports whether everything passes.
func (f *filter) empty() bool {
	return len(f.states)+len(f.groups)+len(f.sources)+len(f.labels) == 0 && f.search == ""
}

// candidate is what a filter looks at.
type candidate struct {
	target *prober.Target
	group  string // under which it is shown
	source prober.Source
	// place is shown only as far as seesAll says.
	seesAll bool
	// public hides labels and place.
	public bool
	// state and maintenance need not be there if no state is asked for.
	state       health.Verdict
	maintenance bool
}

// passes reports whether somebody has asked for it.
func (f *filter) passes(c *candidate) bool {
	t, labels, place := c.target, c.target.Labels, c.target.Place()
	if c.public {
		labels, place = nil, ""
	}
	if len(f.groups) > 0 && !slices.Contains(f.groups, c.group) || len(f.sources) > 0 && !slices.Contains(f.sources, string(c.source)) {
		return false
	}
	for _, l := range f.labels {
		if value, ok := labels[l.name]; !ok || value != l.value {
			return false
		}
	}
	if len(f.states) > 0 {
		row := page.Row{State: c.state, Paused: t.Paused, Maintenance: c.maintenance}
		if !slices.Contains(f.states, row.Look()) && !(row.Troubled() && slices.Contains(f.states, page.Troubled)) {
			return false
		}
	}
	return f.search.finds(t.App, c.group, labels) || f.search.findsPlace(place, c.seesAll)
}

// search is a text to look for, whatever the case.
type search string

func searchFor(text string) search { return search(strings.ToLower(strings.TrimSpace(text))) }

// finds reports whether the text is in a name, a group or a label; nothing is in all.
func (s search) finds(name, group string, labels map[string]string) bool {
	if s == "" || s.in(name) || s.in(group) {
		return true
	}
	pair := strings.Contains(string(s), "=") // or it cannot be partly in the name and partly in the value
	for label, value := range labels {
		if pair && s.in(label+"="+value) || !pair && (s.in(label) || s.in(value)) {
			return true
		}
	}
	return false
}

// findsPlace looks into what of a place the reader may see, and nowhere else: nobody is to
// guess a secret by searching for it.
func (s search) findsPlace(place string, all bool) bool {
	if !all {
		place = collector.PublicPlace(place)
	}
	return s.in(place)
}

func (s search) in(text string) bool { return strings.Contains(strings.ToLower(text), string(s)) }
