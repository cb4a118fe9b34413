package prober

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"gopkg.in/yaml.v3"
)

// TestUserAgent: what the command line says goes with each request, but for a header of
// the module's own.
func TestUserAgent(t *testing.T) {
	var mu sync.Mutex
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.UserAgent())
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"access_token": "x", "token_type": "bearer"}`))
	}))
	defer server.Close()
	oauth := "oauth2: {client_id: a, client_secret: b, token_url: '" + server.URL + "/token'}"
	for _, test := range []struct {
		kind    Kind
		options string
		want    []string
	}{
		{"http", "{}", []string{"me/1"}},
		{"http", "headers: {user-agent: own}", []string{"own"}},
		{"http", oauth, []string{"me/1", "me/1"}},
		{"health", "{}", []string{"me/1"}},
		{"health", oauth, []string{"me/1", "me/1"}},
		{"websocket", "{}", []string{"me/1"}},
	} {
		for agent, usual := range map[string]bool{"me/1": false, "": true} {
			got = nil
			m, err := NewModule(ModuleSource{
				Kind: test.kind, UserAgent: agent,
				Decode: func(into any) error { return yaml.Unmarshal([]byte(test.options), into) },
			})
			if err != nil {
				t.Fatal(err)
			}
			target := server.URL
			if test.kind == "websocket" {
				target = strings.Replace(target, "http", "ws", 1)
			}
			m.Probe(t.Context(), Request{Target: target})
			want := slices.Clone(test.want)
			for i := range want {
				if usual && want[i] == "me/1" {
					want[i] = userAgent()
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s %s, %q: got %q, want %q", test.kind, test.options, agent, got, want)
			}
		}
	}
}
