package server

import (
	"maps"
	"slices"

	"github.com/health-exporter/health_exporter/internal/server/page"
)

// What an overview shows at once.
const (
	// manySubjects is beyond how many an overview shows groups without their rows, fewer
	// rows of one, and fewer of those that are not healthy.
	manySubjects      = 1000
	maxTroubledMany   = 30
	maxTroubledChosen = 5
	rowsPerPage       = 1000
	rowsPerPageMany   = 50
	groupsPerPage     = 100
	maxGroupsToChoose = 200
)

// listGroups lists the rows of one page under their headings. The headings count all
// that match, on whatever page they are. If there are very many subjects, and nobody has
// chosen among them, there are headings only.
func (s *server) listGroups(o *page.Overview, t *tally, subjects []subject, to reader) {
	list, perPage := t.matchingHeadings(), rowsPerPage
	many := o.Counts.Total() > manySubjects
	if many {
		perPage = rowsPerPageMany
	}
	o.Groups = []page.Group{}
	if many && !o.Filter.Any() && len(list) > 1 {
		first := o.Turn(len(list), groupsPerPage)
		for _, h := range list[first:min(first+groupsPerPage, len(list))] {
			o.Groups = append(o.Groups, page.Group{Name: h.name, Counts: h.counts, Rows: []page.Row{}})
		}
		return
	}
	from := o.Turn(t.matching, perPage)
	until, at := from+perPage, 0
	for _, h := range list {
		first, last := max(from-at, 0), min(until-at, len(h.members))
		if at += len(h.members); first >= last {
			continue
		}
		g := page.Group{Name: h.name, Counts: h.counts}
		for _, i := range h.members[first:last] {
			row := subjects[i].row(to)
			s.addFigures(&row, subjects[i], o.Window, to)
			g.Rows = append(g.Rows, row)
		}
		o.Groups = append(o.Groups, g)
	}
}

// matchingHeadings are those with something under them, by name.
func (t *tally) matchingHeadings() (list []*heading) {
	for _, name := range slices.Sorted(maps.Keys(t.headings)) {
		if h := t.headings[name]; len(h.members) > 0 {
			list = append(list, h)
		}
	}
	return list
}

// groupNames are the names of all groups, for the form, or that there are too many to
// choose from.
func (t *tally) groupNames() (list []string, many bool) {
	for _, name := range slices.Sorted(maps.Keys(t.headings)) {
		if t.headings[name].group {
			list = append(list, name)
		}
	}
	if len(list) > maxGroupsToChoose {
		return nil, true
	}
	return list, false
}
