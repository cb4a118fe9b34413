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
)

const (
	rowsPerPage  = 1000
	maxTroubled  = 100
	maxChanges   = 20
	maxAdHoc     = 20
	sparkProbes  = 30
	maxGone      = 50
	halfHours    = 48
	overdueAfter = 10 * time.Second // beyond interval and timeout
)

// overview is the page at the top.
func (s *server) overview(w http.ResponseWriter, r *http.Request) {
	to := s.reader(r, false)
	subjects := s.subjects()
	o := s.makeOverview(subjects, filterOf(queryOf(r)), to)
	o.Frame = s.frame(o.Counts, to, "", "")
	o.Troubles = s.troubles(r.Context())
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
	if !f.Has(f.State) {
		f.State = ""
	}
	for _, l := range q["label"] {
		if name, _, ok := strings.Cut(l, "="); ok && name != "" && len(f.Labels) < 10 && len(l) <= maxFilter {
			f.Labels = append(f.Labels, l)
		}
	}
	f.Query = f.Query[:min(len(f.Query), maxFilter)]
	f.Group = f.Group[:min(len(f.Group), maxFilter)]
	n, err := strconv.Atoi(q.Get("page"))
	if err != nil || n < 1 {
		n = 1
	}
	f.Page = n
	return f
}

// makeOverview is the overview of the subjects, without its frame.
func (s *server) makeOverview(subjects []subject, f page.Filter, to reader) *page.Overview {
	o := &page.Overview{Filter: f, Window: lastDay(to.now)}
	rows := make([]page.Row, len(subjects))
	groups := map[string]bool{}
	var matching []int
	for i, x := range subjects {
		rows[i] = x.row(to)
		labels := x.status.Target.Labels
		if to.public {
			labels = nil // nor can they be guessed by searching for them
		}
		o.Counts.Add(&rows[i])
		groups[rows[i].Group] = true
		if matches(f, &rows[i], labels) {
			matching = append(matching, i)
		}
	}
	o.Since = since(rows, o.Counts.Worst())
	o.Matching = len(matching)
	o.Late = late(subjects, to.now)
	o.AllGroups = groupNames(groups)
	o.Windows = s.openWindows(to)
	s.listTroubled(o, subjects, rows, to)
	s.listGroups(o, subjects, rows, matching, to)
	o.Changes = changesOf(subjects, maxChanges, to)
	return o
}

// matches reports whether the filter lets a row through.
func matches(f page.Filter, r *page.Row, labels map[string]string) bool {
	if f.Group != "" && r.Group != f.Group && !(f.Group == groupOfRest && r.Group == "") {
		return false
	}
	if f.State == "troubled" && !r.Troubled() || f.State != "" && f.State != "troubled" && r.Look() != f.State {
		return false
	}
	for _, l := range f.Labels {
		name, value, _ := strings.Cut(l, "=")
		if got, ok := labels[name]; !ok || got != value {
			return false
		}
	}
	if f.Query == "" {
		return true
	}
	text := []string{r.Name, r.Group, r.Place}
	for name, value := range labels {
		text = append(text, name+"="+value)
	}
	wanted := strings.ToLower(f.Query)
	return slices.ContainsFunc(text, func(s string) bool { return strings.Contains(strings.ToLower(s), wanted) })
}

// since is from when on the worst state has held: a trouble, since the one that has
// it longest got into it; health, since the last one became healthy.
func since(rows []page.Row, worst health.Verdict) time.Time {
	var at time.Time
	for i := range rows {
		r := &rows[i]
		if r.Paused || r.Maintenance || r.State != worst || r.Since.IsZero() {
			continue
		}
		if at.IsZero() || worst != health.Healthy && r.Since.Before(at) || worst == health.Healthy && r.Since.After(at) {
			at = r.Since
		}
	}
	return at
}

// late finds what should have been probed long ago: the prober itself is in trouble.
func late(subjects []subject, now time.Time) *page.Late {
	l := &page.Late{}
	n := 0
	for _, x := range subjects {
		if by := x.overdue(now); by > 0 {
			n++
			if by > l.By {
				l.By, l.Name = by, x.name()
			}
		}
	}
	if n == 0 {
		return nil
	}
	l.Seconds, l.Others = l.By.Seconds(), n-1
	return l
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

func groupNames(groups map[string]bool) []string {
	var names []string
	for name := range groups {
		if name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
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

// listTroubled lists what is not healthy: the worst first, and of those the newest.
func (s *server) listTroubled(o *page.Overview, subjects []subject, rows []page.Row, to reader) {
	var troubled []int
	for i := range rows {
		if rows[i].Troubled() {
			troubled = append(troubled, i)
		}
	}
	slices.SortStableFunc(troubled, func(i, j int) int {
		a, b := &rows[i], &rows[j]
		return cmp.Or(cmp.Compare(severity(a.State), severity(b.State)), b.Since.Compare(a.Since))
	})
	if n := len(troubled); n > maxTroubled {
		troubled, o.MoreTroubled = troubled[:maxTroubled], n-maxTroubled
	}
	o.Troubled = make([]page.Row, len(troubled))
	for n, i := range troubled {
		o.Troubled[n] = rows[i]
		s.addUptime(&o.Troubled[n], subjects[i], to)
	}
}

// listGroups lists the rows of one page under their headings. The headings count all
// that match, on whatever page they are.
func (s *server) listGroups(o *page.Overview, subjects []subject, rows []page.Row, matching []int, to reader) {
	heading := func(i int) string { return cmp.Or(rows[i].Group, groupOfRest) }
	slices.SortStableFunc(matching, func(a, b int) int { return strings.Compare(heading(a), heading(b)) })
	counts := map[string]*page.Counts{}
	for _, i := range matching {
		c := counts[heading(i)]
		if c == nil {
			c = new(page.Counts)
			counts[heading(i)] = c
		}
		c.Add(&rows[i])
	}
	o.Pages = max((len(matching)+rowsPerPage-1)/rowsPerPage, 1)
	o.Filter.Page = min(o.Filter.Page, o.Pages)
	first := (o.Filter.Page - 1) * rowsPerPage
	o.Groups = []page.Group{}
	for _, i := range matching[first:min(first+rowsPerPage, len(matching))] {
		s.addFigures(&rows[i], subjects[i], o.Window, to)
		if n := len(o.Groups); n == 0 || o.Groups[n-1].Name != heading(i) {
			o.Groups = append(o.Groups, page.Group{Name: heading(i), Counts: *counts[heading(i)]})
		}
		g := &o.Groups[len(o.Groups)-1]
		g.Rows = append(g.Rows, rows[i])
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

// troubles are those of the exporter itself: its own checks say them.
func (s *server) troubles(ctx context.Context) []string {
	var list []string
	checker := s.Checks.Checker()
	for _, name := range checker.Names() {
		what, own := strings.CutPrefix(name, "exporter-")
		if !own {
			continue
		}
		if st, ok := checker.CheckOne(ctx, name); ok && st.Result.Outcome != health.Pass {
			list = append(list, fmt.Sprintf("The exporter itself is not all right (%s): %s", what, redact.Text(st.Result.Text())))
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
			ID: p.ID, Time: p.Result.Start, Module: p.Module, Target: redact.Text(p.Target), OK: !p.Failed(),
			Took: p.Result.Duration, Seconds: p.Result.Duration.Seconds(),
		})
		if len(list) == maxAdHoc {
			break
		}
	}
	return list
}
