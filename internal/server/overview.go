package server

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/server/page"
	"github.com/health-exporter/health_exporter/prober"
)

const (
	maxTroubled  = 100
	maxChanges   = 20
	maxAdHoc     = 20
	sparkProbes  = 30
	maxGone      = 50
	halfHours    = 48
	maxLabels    = 10
	maxNotices   = 10
	overdueAfter = 10 * time.Second // beyond interval and timeout
)

// overview is the page at the top.
func (s *server) overview(w http.ResponseWriter, r *http.Request) {
	to := s.reader(r, false)
	subjects := s.subjects()
	o := s.makeOverview(subjects, filterOf(queryOf(r)), to)
	o.Frame = s.frame(o.Counts, to, "", "")
	o.Troubles = s.troubles(r.Context(), to)
	o.Gone, o.Site = s.gone(to), s.site(r, "")
	if to.debug {
		o.Probes = s.adHoc()
	}
	s.answerPage(w, r, o)
}

// frame is what all pages have in common.
func (s *server) frame(c page.Counts, to reader, root, base string) page.Frame {
	return page.Frame{
		Title: "health_exporter", Generated: to.now, Started: s.Started, Version: s.Version,
		Root: root, Base: base, Public: to.public, Login: to.login, Unhealthy: c.Unhealthy, Worst: c.Worst(),
	}
}

func filterOf(q url.Values) page.Filter {
	f := page.Filter{Query: strings.TrimSpace(q.Get("q")), Group: q.Get("group"), State: strings.ToLower(q.Get("state"))}
	notice := func(format string, args ...any) {
		if len(f.Notices) < maxNotices {
			f.Notices = append(f.Notices, fmt.Sprintf(format, args...))
		}
	}
	if f.State != "" && !f.Has(f.State) {
		notice("There is no state %q, so all are shown; allowed are %s.", shortened(f.State), strings.Join(f.States(), ", "))
		f.State = ""
	}
	for _, l := range q["label"] {
		switch name, _, ok := strings.Cut(l, "="); {
		case l == "": // of a form that was not filled in
		case len(f.Labels) == maxLabels:
			notice("The label %q is not looked at: %d are as many as there may be.", shortened(l), maxLabels)
		case !ok || name == "" || len(l) > maxFilter:
			notice("The label %q is not looked at; it must be name=value, with at most %d bytes.", shortened(l), maxFilter)
		default:
			f.Labels = append(f.Labels, l)
		}
	}
	f.Query = f.Query[:min(len(f.Query), maxFilter)]
	f.Group = f.Group[:min(len(f.Group), maxFilter)]
	n, err := strconv.Atoi(cmp.Or(q.Get("page"), "1"))
	if err != nil || n < 1 {
		notice("There is no page %q, so the first is shown.", shortened(q.Get("page")))
		n = 1
	}
	f.Page = n
	return f
}

// makeOverview is the overview of the subjects, without its frame.
func (s *server) makeOverview(subjects []subject, f page.Filter, to reader) *page.Overview {
	o := &page.Overview{Filter: f, Window: lastDay(to.now)}
	wanted := wantedBy(f)
	named := maxTroubled
	switch many := len(subjects) > manySubjects; {
	case many && f.Any():
		named = maxTroubledChosen // what was chosen is to be seen, too
	case many:
		named = maxTroubledMany
	}
	t := count(subjects, &wanted, to, named, maxChanges)
	o.Counts, o.Late, o.Matching = t.counts(), t.overdue(), t.matching
	o.Since = t.since(o.Counts.Worst()).In(to.now.Location())
	o.AllGroups, o.ManyGroups = t.groupNames()
	o.Windows = s.openWindows(to)
	s.listTroubled(o, t, to)
	s.listGroups(o, t, subjects, to)
	recent, _ := t.changed.list()
	o.Changes = changesOf(recent, maxChanges, to)
	return o
}

// wantedBy is what a page's filter lets through.
func wantedBy(f page.Filter) filter {
	wanted := filter{search: searchFor(f.Query)}
	if f.State != "" {
		wanted.states = []string{f.State}
	}
	switch f.Group {
	case "":
	case groupOfRest:
		wanted.groups = []string{groupOfRest, ""}
	default:
		wanted.groups = []string{f.Group}
	}
	for _, each := range f.Labels {
		name, value, _ := strings.Cut(each, "=")
		wanted.labels = append(wanted.labels, label{name, value})
	}
	return wanted
}

// overdue is for how long the result of a probe has been missing; zero if it is not.
func (x subject) overdue(now time.Time) time.Duration {
	st := x.status
	if st.Target.Paused || st.Problem != "" || st.LastProbe.IsZero() || st.Reason != "" && !st.Up && st.State.Verdict == health.Unknown {
		return 0
	}
	last := st.LastProbe
	if st.Since.After(last) { // resumed
		last = st.Since
	}
	by := now.Sub(last) - st.Target.Interval - st.Target.Timeout
	if by < overdueAfter {
		return 0
	}
	return by
}

func (s *server) openWindows(to reader) []string {
	var names []string
	if to.public {
		return nil // the names are the operator's
	}
	for _, m := range s.Maintenance.List(to.now) {
		if m.Open {
			names = append(names, m.Name)
		}
	}
	return names
}

// listTroubled lists what is not healthy.
func (s *server) listTroubled(o *page.Overview, t *tally, to reader) {
	troubled, more := t.troubled.list()
	o.MoreTroubled = more
	o.Troubled = make([]page.Row, len(troubled))
	for n, x := range troubled {
		o.Troubled[n] = x.row(to)
		s.addUptime(&o.Troubled[n], x, to)
	}
}

// addFigures adds to a row what takes longer to find out.
func (s *server) addFigures(r *page.Row, x subject, w page.Window, to reader) {
	r.Latencies = x.latencies(sparkProbes)
	s.addUptime(r, x, to)
	r.Strip = s.cells(x, w)
}

// addUptime adds the shares of all time.
func (s *server) addUptime(r *page.Row, x subject, to reader) {
	r.Day = uptime(s.History.Sum(x.remembered(), to.now.Add(-24*time.Hour), to.now))
	r.Month = uptime(s.History.Sum(x.remembered(), to.now.Add(-30*24*time.Hour), to.now))
}

// troubles are those of the exporter itself: its own checks say them, the details to whoever
// may see what checks say.
func (s *server) troubles(ctx context.Context, to reader) []string {
	var list []string
	checker := s.Checks.Checker()
	for _, name := range checker.Names() {
		what, own := strings.CutPrefix(name, ownChecks)
		if !own {
			continue
		}
		if st, ok := checker.CheckOne(ctx, name); ok && st.Result.Outcome != health.Pass {
			trouble := fmt.Sprintf("The exporter itself is not all right (%s)", what)
			if to.details {
				trouble += ": " + redact.Text(st.Result.Text())
			}
			list = append(list, trouble)
		}
	}
	return list
}

// gone are the targets that are no more although nobody removed them, the newest first.
func (s *server) gone(to reader) []page.Gone {
	var list []page.Gone
	for _, t := range s.Registry.Tombstones() {
		list = append(list, page.Gone{Name: t.App, At: t.At.In(to.now.Location()), Why: t.Why()})
	}
	slices.SortStableFunc(list, func(a, b page.Gone) int { return b.At.Compare(a.At) })
	return list[:min(len(list), maxGone)]
}

// adHoc are the last probes that /probe was asked for.
func (s *server) adHoc() []page.AdHoc {
	var list []page.AdHoc
	for _, p := range s.probes.List() {
		list = append(list, page.AdHoc{
			ID: p.ID, Time: p.Result.Start, Module: p.Module, Target: redact.Text(prober.ShownPlace(p.Target)), OK: !p.Failed(),
			Took: p.Result.Duration, Seconds: p.Result.Duration.Seconds(),
		})
		if len(list) == maxAdHoc {
			break
		}
	}
	return list
}
