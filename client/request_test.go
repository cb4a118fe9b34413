package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestManyTargets is for a list that is far longer than the answer about one.
func TestManyTargets(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/prefix/api/v1/targets" {
			http.NotFound(w, r)
			return
		}
		one := fmt.Sprintf(`{"app": %q}`, strings.Repeat("a", 100))
		fmt.Fprintf(w, `{"targets": [%s]}`, strings.TrimSuffix(strings.Repeat(one+",", 30_000), ","))
	}))
	defer s.Close()
	defer http.DefaultClient.CloseIdleConnections()
	c := &Client{Exporter: s.URL + "/prefix/"}
	list, err := c.Targets(t.Context())
	if err != nil || len(list) != 30_000 {
		t.Errorf("%d targets, %v", len(list), err)
	}
	err = c.Do(t.Context(), http.MethodGet, "api/v1/targets/a%20b?x=y", nil, nil)
	if refused, ok := errors.AsType[*Refusal](err); !ok || refused.Status != http.StatusNotFound {
		t.Errorf("of something else: %v", err)
	}
	_, err = c.do(t.Context(), http.MethodGet, "", "", nil, &struct{}{})
	if err == nil || !strings.Contains(err.Error(), "has more than 1048576 bytes") {
		t.Errorf("an answer that is too long: %v", err)
	}
}
