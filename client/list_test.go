package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lister is an exporter with so many targets, which answers in pages of them.
func lister(t *testing.T, n int) (c *Client, asked *[]url.Values) {
	t.Helper()
	asked = &[]url.Values{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		*asked = append(*asked, q)
		if strings.HasSuffix(r.URL.Path, "/status") {
			fmt.Fprintf(w, `{"worst": "HEALTHY", "since": null, "total": %d, "targets": {"healthy": 1}}`, n)
			return
		}
		from, _ := strconv.Atoi(q.Get("cursor"))
		limit, _ := strconv.Atoi(q.Get("limit"))
		if from >= 90 {
			http.Error(w, "no more", http.StatusInternalServerError)
			return
		}
		list := []map[string]string{}
		for i := from; i < min(from+limit, n); i++ {
			list = append(list, map[string]string{"app": fmt.Sprint(i)})
		}
		answer := map[string]any{"targets": list, "total": n}
		if from+limit < n {
			answer["next"] = fmt.Sprint(from + limit)
		}
		json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(s.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return &Client{Exporter: s.URL}, asked
}

func TestPages(t *testing.T) {
	for n, requests := range map[int]int{0: 1, 9: 1, 10: 1, 11: 2, 35: 4} {
		c, asked := lister(t, n)
		var apps []string
		for target, err := range c.EachTarget(t.Context(), Query{PageSize: 10}) {
			if err != nil {
				t.Fatal(err)
			}
			apps = append(apps, target.App)
		}
		if len(apps) != n || len(*asked) != requests || n > 0 && apps[n-1] != fmt.Sprint(n-1) {
			t.Errorf("of %d there are %d, with %d requests", n, len(apps), len(*asked))
		}
	}
	c, asked := lister(t, 1000)
	for range c.EachTarget(t.Context(), Query{PageSize: 10}) {
		break
	}
	if len(*asked) != 1 {
		t.Errorf("%d requests for one target", len(*asked))
	}
	found := 0
	for target, err := range c.EachTarget(t.Context(), Query{PageSize: 30}) {
		refused, ok := errors.AsType[*Refusal](err)
		switch {
		case err == nil && target.App != "":
			found++
		case !ok || refused.Status != http.StatusInternalServerError:
			t.Errorf("%v", err)
		}
	}
	if found != 90 {
		t.Errorf("%d targets before the fault", found)
	}
	if _, err := c.Targets(t.Context()); err != nil {
		t.Errorf("all at once: %v", err)
	}
}

func TestQuery(t *testing.T) {
	c, asked := lister(t, 1)
	q := Query{
		States: []string{"healthy", "paused"}, Groups: []string{"a b"}, Sources: []string{"api"}, Labels: map[string]string{"room": "attic"}, Text: "x&y",
		Fields: []string{"app", "state"}, PageSize: 7,
	}
	for _, err := range c.EachTarget(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(url.Values{
		"state": {"healthy", "paused"}, "group": {"a b"}, "source": {"api"}, "label": {"room=attic"}, "q": {"x&y"}, "fields": {"app,state"}, "limit": {"7"},
	}, (*asked)[0]); diff != "" {
		t.Error(diff)
	}
	if status, err := c.Status(t.Context(), q); err != nil || status.Total != 1 || status.Targets.Healthy != 1 {
		t.Errorf("%+v %v", status, err)
	}
	if got := (*asked)[1]; got.Get("fields") != "" || got.Get("limit") != "" || got.Get("q") != "x&y" {
		t.Errorf("status with %v", got)
	}
}

// TestPagesWithoutEnd are refused.
func TestPagesWithoutEnd(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"targets": [{"app": "a"}], "total": 2, "next": "again"}`)
	}))
	defer s.Close()
	defer http.DefaultClient.CloseIdleConnections()
	if list, err := (&Client{Exporter: s.URL}).Targets(t.Context()); err == nil || !strings.Contains(err.Error(), "again and again") {
		t.Errorf("%d targets, %v", len(list), err)
	}
}
