package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/internal/testport"
)

func TestExporterComesLater(t *testing.T) {
	address := testport.Reserve(t)
	c := &Client{Exporter: "http://" + address}
	reg, err := c.Register(t.Context(), App{Name: "a", URL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatalf("an exporter that is not there yet: %v", err)
	}
	defer reg.Stop(t.Context())
	if reg.Err() == nil {
		t.Error("registered with nobody")
	}
	exporter(t, address)
	if err := reg.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if reg.Err() != nil {
		t.Error(reg.Err())
	}
}

func TestNotAnExporter(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/html/api/v1/targets" {
			fmt.Fprint(w, "<html>")
			return
		}
		http.Error(w, "no such page", http.StatusForbidden)
	}))
	defer other.Close()
	_, err := (&Client{Exporter: other.URL}).Register(t.Context(), App{Name: "a", URL: "http://127.0.0.1:1"})
	if err == nil || !strings.Contains(err.Error(), "answered 403: no such page") {
		t.Errorf("%v", err)
	}
	if _, err := (&Client{Exporter: other.URL + "/html"}).Targets(t.Context()); err == nil || !strings.Contains(err.Error(), "not that of an exporter") {
		t.Errorf("%v", err)
	}
	http.DefaultClient.CloseIdleConnections()
}

type found struct{ url string }

func (f found) Find(context.Context) (string, error) {
	if f.url == "" {
		return "", ErrNotFound
	}
	return f.url, nil
}

func TestLocate(t *testing.T) { // S1.3
	t.Setenv(URLVariable, "")
	for _, test := range []struct {
		name     string
		variable string
		client   Client
		want     string
		err      string
	}{
		{"nothing", "", Client{Finder: found{}}, "", "set HEALTH_EXPORTER_URL"},
		{"variable", "http://a:1", Client{}, "http://a:1", ""},
		{"field before variable", "http://a:1", Client{Exporter: "http://b:1"}, "http://b:1", ""},
		{"variable before finder", "http://a:1", Client{Finder: found{"http://c:1"}}, "http://a:1", ""},
		{"finder", "", Client{Finder: found{"http://c:1"}}, "http://c:1", ""},
		{"finder finds nothing", "", Client{Finder: found{}}, "", "looking for an exporter"},
		{"no URL", "a:1", Client{}, "", `"a:1" is not an absolute URL`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(URLVariable, test.variable)
			got, err := test.client.Locate(t.Context())
			if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("%q %v", got, err)
			}
			if test.name == "finder finds nothing" && !errors.Is(err, ErrNotFound) {
				t.Error("not ErrNotFound")
			}
		})
	}
}
