package cli

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"

	"github.com/health-exporter/health_exporter/client"
)

// targetsPerRequest is how many targets one request asks for.
const targetsPerRequest = 5000

// each asks for targets, page by page.
func (e *Exporter) each(ctx context.Context, q client.Query) iter.Seq2[target, error] {
	if q.PageSize == 0 {
		q.PageSize = targetsPerRequest
	}
	return client.Pages[target](ctx, q, "targets", func(ctx context.Context, path string, into any) error {
		return e.do(ctx, http.MethodGet, path, nil, into)
	})
}

// query is what the exporter needs to know of the filter. It may answer with more: one
// that is too old to filter answers with all.
func (f *Filter) query() client.Query { return client.Query{States: f.States, Groups: f.Groups} }

// find asks for the targets that a filter chooses, and for checks too, not healthy first.
// The error says which name is misspelt.
func (e *Exporter) find(ctx context.Context, f *Filter, checks bool) ([]target, error) {
	queries := []client.Query{f.query()}
	if len(f.Apps) > 0 {
		queries = nil
		for _, app := range f.Apps {
			queries = append(queries, client.Query{Text: searchable(app)})
		}
	}
	var all []target
	for _, q := range queries {
		for t, err := range e.each(ctx, q) {
			switch {
			case err != nil:
				return nil, err
			case len(f.Apps) == 0, slices.Contains(f.Apps, t.App):
				all = append(all, t)
			}
		}
	}
	if len(queries) > 1 { // one name may be part of another
		slices.SortFunc(all, func(a, b target) int { return strings.Compare(a.App, b.App) })
		all = slices.CompactFunc(all, func(a, b target) bool { return a.App == b.App })
	}
	if checks {
		list, err := e.checks(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	if err := e.misspelt(ctx, f, all); err != nil {
		return nil, err
	}
	return f.choose(all), nil
}

// searchable is as much of a name as may be searched for.
func searchable(name string) string {
	const most = 256
	for len(name) > most {
		runes := []rune(name)
		name = string(runes[:len(runes)-1])
	}
	return name
}

// misspelt says which name of a filter nothing has.
func (e *Exporter) misspelt(ctx context.Context, f *Filter, found []target) error {
	for _, app := range f.Apps {
		if !slices.ContainsFunc(found, func(t target) bool { return t.App == app }) {
			return fmt.Errorf("there is no target %q%s", app, didYouMean(app, append(e.namesOf(ctx, "app"), appsOf(found)...)))
		}
	}
	for _, group := range f.Groups {
		known := slices.ContainsFunc(found, func(t target) bool { return t.Group == group })
		for t, err := range e.each(ctx, client.Query{Groups: []string{group}, Fields: []string{"app", "group"}, PageSize: 1}) {
			if err != nil {
				return err
			}
			if known = known || t.Group == group; known {
				break
			}
		}
		if !known {
			return fmt.Errorf("there is no target in group %q%s", group, didYouMean(group, e.namesOf(ctx, "group")))
		}
	}
	return nil
}

func appsOf(targets []target) (names []string) {
	for _, t := range targets {
		names = append(names, t.App)
	}
	return names
}

// namesOf are the names of all targets, or of their groups, as far as they can be had.
func (e *Exporter) namesOf(ctx context.Context, field string) (names []string) {
	seen := map[string]bool{}
	for t, err := range e.each(ctx, client.Query{Fields: []string{field}}) {
		if err != nil {
			return nil
		}
		name := t.App
		if field == "group" {
			name = t.Group
		}
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}
