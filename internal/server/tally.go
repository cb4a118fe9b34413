package server

import (
	"cmp"
	"slices"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/server/page"
)

// tally is what one walk over all subjects finds out: with a hundred thousand of them it
// is the walk that takes the time. It makes no line of each.
type tally struct {
	targets, checks page.Counts
	// oldest and newest are the first and the last moment at which one that counts got into
	// the state that it is in.
	oldest, newest [health.Unhealthy + 1]time.Time
	late           page.Late
	lateOnes       int
	// troubled are the worst of those that somebody should look at, and changed those whose
	// state is the youngest.
	troubled, changed *foremost[subject]
	// headings has those under which all subjects are, by name.
	headings map[string]*heading
	matching int
}

// heading is one of those under which subjects are shown.
type heading struct {
	name string
	// group says that it is that of a group, and not only of what has none.
	group bool
	// counts are of those that match, which members has.
	counts  page.Counts
	members []int32
}

// counts are those of all.
func (t *tally) counts() page.Counts { return t.targets.Plus(t.checks) }

// count walks over the subjects, and keeps so many of those that are troubled, and that
// have changed. The filter says which of them match.
func count(subjects []subject, f *filter, to reader, troubled, changed int) *tally {
	t := &tally{
		troubled: &foremost[subject]{n: troubled, compare: worse}, changed: &foremost[subject]{n: changed, compare: younger},
		headings: map[string]*heading{},
	}
	for i, x := range subjects {
		row := x.look(to)
		t.add(x, &row)
		if by := x.overdue(to.now); by > 0 {
			t.lateOnes++
			if by > t.late.By {
				t.late.By, t.late.Name = by, x.name()
			}
		}
		h := t.heading(x.group())
		if f.empty() || f.passes(x.candidate(to, &row)) {
			t.matching++
			h.counts.Add(&row)
			h.members = append(h.members, int32(i))
		}
	}
	return t
}

func (t *tally) heading(group string) *heading {
	name := cmp.Or(group, groupOfRest)
	h := t.headings[name]
	if h == nil {
		h = &heading{name: name}
		t.headings[name] = h
	}
	h.group = h.group || group != ""
	return h
}

func (t *tally) add(x subject, row *page.Row) {
	if x.kind == kindCheck {
		t.checks.Add(row)
	} else {
		t.targets.Add(row)
	}
	t.changed.add(x)
	if row.Troubled() {
		t.troubled.add(x)
	}
	since, v := x.status.Since, row.State
	if row.Paused || row.Maintenance || since.IsZero() || int(v) >= len(t.oldest) {
		return
	}
	if at := t.oldest[v]; at.IsZero() || since.Before(at) {
		t.oldest[v] = since
	}
	if since.After(t.newest[v]) {
		t.newest[v] = since
	}
}

// overdue is what should have been probed long ago; nil if nothing is.
func (t *tally) overdue() *page.Late {
	if t.lateOnes == 0 {
		return nil
	}
	l := t.late
	l.Seconds, l.Others = l.By.Seconds(), t.lateOnes-1
	return &l
}

// countsOf are how many subjects are in which state, for the title of any page.
func countsOf(subjects []subject, to reader) (c page.Counts) {
	for _, x := range subjects {
		row := x.look(to)
		c.Add(&row)
	}
	return c
}

// since is from when on the worst state has held: a trouble, since the one that has
// it longest got into it; health, since the last one became healthy.
func (t *tally) since(worst health.Verdict) time.Time {
	if worst == health.Healthy {
		return t.newest[worst]
	}
	return t.oldest[worst]
}

// worse puts the worst first, and of those the newest.
func worse(a, b subject) int {
	return cmp.Or(cmp.Compare(severity(a.status.State.Verdict), severity(b.status.State.Verdict)), younger(a, b))
}

func younger(a, b subject) int { return b.status.Since.Compare(a.status.Since) }

// severity orders what is not healthy: the lower, the worse.
func severity(v health.Verdict) int {
	switch v {
	case health.Unhealthy:
		return 0
	case health.Degraded:
		return 1
	}
	return 2
}

// foremost keeps the first n of many in an order; of equal ones those that came first.
type foremost[T any] struct {
	n       int
	compare func(a, b T) int
	kept    []T
	seen    int
}

func (f *foremost[T]) add(x T) {
	f.seen++
	if f.kept = append(f.kept, x); len(f.kept) >= 2*f.n+16 {
		f.cut()
	}
}

func (f *foremost[T]) cut() {
	slices.SortStableFunc(f.kept, f.compare)
	f.kept = f.kept[:min(len(f.kept), f.n)]
}

// list is what was kept, in order, and how many more there were.
func (f *foremost[T]) list() (kept []T, more int) {
	f.cut()
	return f.kept, f.seen - len(f.kept)
}
