package client

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/health-exporter/health_exporter/client/api"
)

// Query says which targets are wanted. What is empty does not matter; of several values
// any will do, but a target must have all of the Labels.
type Query struct {
	// States are unhealthy, degraded, unknown, healthy, maintenance, paused, or troubled for
	// all that is not healthy and neither paused nor in maintenance.
	States, Groups, Sources []string
	Labels                  map[string]string
	// Text is to be in the name, group, place or labels.
	Text string
	// Fields are the fields in JSON that are wanted of each target; empty for all.
	Fields []string
	// PageSize is how many targets one request asks for; 0 means 1000, and 10000 is the most.
	PageSize int
}

// defaultPage is how many targets a request asks for if nobody says how many.
const defaultPage = 1000

// Values are the parameters of a request, for Client.Do with paths of the API that filter.
func (q *Query) Values() url.Values {
	v := url.Values{}
	add := func(name string, values ...string) {
		for _, each := range values {
			v.Add(name, each)
		}
	}
	add("state", q.States...)
	add("group", q.Groups...)
	add("source", q.Sources...)
	for name, value := range q.Labels {
		add("label", name+"="+value)
	}
	if q.Text != "" {
		add("q", q.Text)
	}
	if len(q.Fields) > 0 {
		add("fields", strings.Join(q.Fields, ","))
	}
	return v
}

// EachTarget lists the targets that the exporter polls, sorted by name, page by page: of
// very many no more than one page is kept. An error ends the list. What is registered or
// removed meanwhile may be in it or not.
func (c *Client) EachTarget(ctx context.Context, q Query) iter.Seq2[Target, error] {
	return Pages[Target](ctx, q, "targets", func(ctx context.Context, path string, into any) error {
		return c.Do(ctx, http.MethodGet, path, nil, into)
	})
}

// Targets lists what the exporter polls.
func (c *Client) Targets(ctx context.Context) ([]Target, error) {
	var list []Target
	for t, err := range c.EachTarget(ctx, Query{}) {
		if err != nil {
			return nil, fmt.Errorf("listing the targets: %w", err)
		}
		list = append(list, t)
	}
	return list, nil
}

// Pages follows the pages of a list of the API, such as targets or checks, with whatever
// makes the requests. An exporter that knows no pages answers with all at once.
func Pages[T any](ctx context.Context, q Query, list string, get func(ctx context.Context, path string, into any) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		v := q.Values()
		size := q.PageSize
		if size <= 0 {
			size = defaultPage
		}
		v.Set("limit", strconv.Itoa(size))
		for {
			var p page[T]
			p.list = list
			if err := get(ctx, "api/v1/"+list+"?"+v.Encode(), &p); err != nil {
				yield(*new(T), err)
				return
			}
			for _, each := range p.items {
				if !yield(each, nil) {
					return
				}
			}
			if p.next == "" {
				return
			}
			if p.next == v.Get("cursor") {
				yield(*new(T), fmt.Errorf("the exporter gives the same page of its %s again and again", list))
				return
			}
			v.Set("cursor", p.next)
		}
	}
}

// Status asks how many targets and checks are in which state, and which are not healthy.
// Fields and PageSize of the query do not matter.
func (c *Client) Status(ctx context.Context, q Query) (api.Status, error) {
	q.Fields = nil
	var s api.Status
	err := c.Do(ctx, http.MethodGet, "api/v1/status?"+q.Values().Encode(), nil, &s)
	return s, err
}
