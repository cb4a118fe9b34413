package server

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// book keeps what it is given.
type book map[string]Maintenance

func (b book) List(time.Time) []Maintenance {
	list := []Maintenance{{Name: "backups", Source: "config"}}
	for _, m := range b {
		m.Source = "api"
		list = append(list, m)
	}
	return list
}

// Covering: maintenance is going on of what it names.
func (b book) Covering(time.Time) func(name, group string) bool {
	return func(name, _ string) bool {
		for _, m := range b {
			if slices.Contains(m.Targets, name) {
				return true
			}
		}
		return false
	}
}

func (b book) Add(m Maintenance) error {
	if strings.Contains(strings.Join(m.Targets, ""), "[") {
		return errors.New("no pattern")
	}
	b[m.Name] = m
	return nil
}

func (b book) Remove(name string) (bool, error) {
	_, known := b[name]
	delete(b, name)
	return known, nil
}

func TestMaintenanceAPI(t *testing.T) {
	f := newFixture(t)
	w := f.do(http.MethodPost, "/api/v1/maintenance", `{"name":"patch day","targets":["nas","web-*"],"groups":["home"],"duration":3600}`)
	got := f.expect(http.StatusCreated, w)
	if got["name"] != "patch day" || got["open"] != true || got["source"] != "api" {
		t.Errorf("%v", got)
	}
	m := f.book["patch day"]
	if m.End.Sub(*m.Start) != time.Hour || len(m.Targets) != 2 || m.Groups[0] != "home" {
		t.Errorf("%+v", m)
	}
	if list := f.expect(http.StatusOK, f.do(http.MethodGet, "/api/v1/maintenance", ""))["maintenance"].([]any); len(list) != 2 {
		t.Errorf("%v", list)
	}
	if w := f.do(http.MethodDelete, "/api/v1/maintenance/patch%20day", ""); w.Code != http.StatusNoContent || len(f.book) != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := f.do(http.MethodDelete, "/api/v1/maintenance/backups", ""); w.Code != http.StatusNotFound {
		t.Errorf("that of the configuration: %d %s", w.Code, w.Body)
	}
	future := time.Now().Add(time.Hour).Format(time.RFC3339)
	later := time.Now().Add(2 * time.Hour).Format(time.RFC3339)
	if got := f.expect(http.StatusCreated, f.do(http.MethodPost, "/api/v1/maintenance", `{"name":"a","start":"`+future+`","end":"`+later+`"}`)); got["open"] != false {
		t.Errorf("%v", got)
	}
}

func TestWrongMaintenance(t *testing.T) {
	f := newFixture(t)
	for body, want := range map[string]string{
		``:                             "must be one JSON object",
		`{}`:                           `"field":"name","detail":"is required"`,
		`{"name":"a\nb","duration":1}`: "must be printable",
		`{"name":"` + strings.Repeat("x", 129) + `","duration":1}`: "at most 128 characters",
		`{"name":"a"}`:                                           `"field":"duration"`,
		`{"name":"a","duration":-1}`:                             `"field":"duration"`,
		`{"name":"a","duration":"1h"}`:                           "whole number of seconds",
		`{"name":"a","duration":1,"end":"2099-01-01T00:00:00Z"}`: "cannot be used together with end",
		`{"name":"a","end":"2001-01-01T00:00:00Z"}`:              "is over already",
		`{"name":"a","start":"tomorrow","duration":1}`:           "must be a moment",
		`{"name":"a","duration":1,"targets":"nas"}`:              "must be a list",
		`{"name":"a","duration":1,"target":"nas"}`:               `"field":"target","detail":"unknown field"`,
		`{"name":"a","duration":1,"targets":["["]}`:              "no pattern",
	} {
		if w := f.do(http.MethodPost, "/api/v1/maintenance", body); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	if len(f.book) != 0 {
		t.Errorf("%v", f.book)
	}
}

// Who may register may not silence others.
func TestWhoMaySilence(t *testing.T) {
	f := newFixture(t)
	const body = `{"name":"a","duration":60}`
	for _, test := range []struct {
		from   string
		header []string
		want   int
	}{
		{"127.0.0.1:1", nil, http.StatusCreated},
		{"10.1.2.3:1", nil, http.StatusForbidden},
		{"10.1.2.3:1", []string{"Authorization", "Bearer secret-nas"}, http.StatusCreated},
		{"203.0.113.9:1", nil, http.StatusUnauthorized},
	} {
		f.from = test.from
		if w := f.do(http.MethodPost, "/api/v1/maintenance", body, test.header...); w.Code != test.want {
			t.Errorf("from %s: %d %s", test.from, w.Code, w.Body)
		}
	}
}
