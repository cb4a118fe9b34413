package client

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
)

func TestToken(t *testing.T) {
	got := make(chan string, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Get("Authorization")
		fmt.Fprint(w, `{"targets":[]}`)
	}))
	defer s.Close()
	t.Setenv(TokenVariable, "from-env")
	for _, test := range []struct{ field, want string }{{"", "Bearer from-env"}, {"own", "Bearer own"}} {
		if _, err := (&Client{Exporter: s.URL, Token: test.field}).Targets(t.Context()); err != nil {
			t.Fatal(err)
		}
		if header := <-got; header != test.want {
			t.Errorf("%q, want %q", header, test.want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestTokenStays with the exporter that was named.
func TestTokenStays(t *testing.T) {
	var got []string
	var to string
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization"))
		if at := to; at != "" {
			to = ""
			http.Redirect(w, r, at, http.StatusTemporaryRedirect)
			return
		}
		fmt.Fprint(w, `{"targets":[]}`)
	})
	plain, other, secure := httptest.NewServer(handler), httptest.NewServer(handler), httptest.NewTLSServer(handler)
	defer plain.Close()
	defer other.Close()
	defer secure.Close()
	trusting := secure.Client()
	t.Setenv(TokenVariable, "")
	t.Setenv(URLVariable, "")
	const token = "Bearer t"
	for _, test := range []struct {
		name        string
		client      *Client
		redirect    string
		wantHeaders []string
	}{
		{"named", &Client{Exporter: plain.URL}, "", []string{token}},
		{"named, TLS", &Client{Exporter: secure.URL}, "", []string{token}},
		{"found", &Client{Finder: found{plain.URL}}, "", []string{""}},
		{"found, TLS", &Client{Finder: found{secure.URL}}, "", []string{""}},
		{"named, to another path", &Client{Exporter: plain.URL}, "/elsewhere", []string{token, token}},
		{"named, to another port", &Client{Exporter: plain.URL}, other.URL, []string{token, ""}},
		{"named, from TLS to plain", &Client{Exporter: secure.URL}, plain.URL, []string{token, ""}},
		{"found, to another port", &Client{Finder: found{plain.URL}}, other.URL, []string{"", ""}},
	} {
		got, to = nil, test.redirect
		test.client.Token, test.client.HTTP = "t", trusting
		if _, err := test.client.Targets(t.Context()); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if !slices.Equal(got, test.wantHeaders) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.wantHeaders)
		}
	}
	r, err := (&Client{Finder: found{plain.URL}, Token: "t", HTTP: trusting}).Register(t.Context(), App{Name: "a", URL: "http://10.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	got = nil
	if err := r.Stop(t.Context()); err != nil || !slices.Equal(got, []string{""}) {
		t.Errorf("a registration with what it found: %q, %v", got, err)
	}
	for way, kept := range map[[2]string]bool{
		{"https://a", "https://a/x"}: true, {"http://a", "http://a/x"}: true, {"https://a", "http://a"}: false, {"http://a", "https://a"}: true,
		{"http://a", "http://b.a"}: false, {"http://a", "http://a:8080"}: false,
	} {
		first, second := httptest.NewRequest(http.MethodGet, way[0], nil), httptest.NewRequest(http.MethodGet, way[1], nil)
		second.Header.Set("Authorization", token)
		if err := staying(nil).CheckRedirect(second, []*http.Request{first}); err != nil || (second.Header.Get("Authorization") != "") != kept {
			t.Errorf("%v: %v, %v", way, second.Header, err)
		}
	}
}
