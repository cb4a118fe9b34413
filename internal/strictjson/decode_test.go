package strictjson

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type sample struct {
	Name   string            `json:"name"`
	Note   *string           `json:"note,omitempty"`
	Count  *int              `json:"count,omitempty"`
	On     *bool             `json:"on,omitempty"`
	List   []string          `json:"list"`
	Labels map[string]string `json:"labels"`
	At     *time.Time        `json:"at"`
	Odd    odd               `json:"odd"`
}

// odd says itself what it may be.
type odd int

func (odd) Wanted() string { return "an odd number" }

func (o *odd) UnmarshalJSON(raw []byte) error {
	if err := json.Unmarshal(raw, (*int)(o)); err != nil || *o%2 == 1 {
		return err
	}
	return json.Unmarshal([]byte("x"), o)
}

func TestDecode(t *testing.T) {
	for body, want := range map[string]sample{
		`{}`:                         {Name: "kept"},
		`{"name": null}`:             {Name: "kept"},
		`{"title": "a", "note": ""}`: {Name: "a", Note: new("")},
		`{"count": 0, "on": false}`:  {Name: "kept", Count: new(0), On: new(false)},
		`{"list": ["a"], "labels": {"b": "c"}, "odd": 3}`: {Name: "kept", List: []string{"a"}, Labels: map[string]string{"b": "c"}, Odd: 3},
	} {
		got := sample{Name: "kept"}
		faults, err := Decode([]byte(body), &got, map[string]string{"title": "name"})
		if diff := cmp.Diff(want, got); diff != "" || err != nil || faults != nil {
			t.Errorf("%s: %v %v\n%s", body, err, faults, diff)
		}
	}
}

// TestFaults: all of an object in one go, each with what is allowed, and nothing of what
// is wrong is kept.
func TestFaults(t *testing.T) {
	const body = `{"name": 1, "note": [], "count": 1.5, "on": "yes", "list": "a", "labels": {"a": 1}, "at": "soon", "odd": 2,
		"title": "a", "wat": 1, "wat": 2, "Name": "a", "": 1}`
	var got sample
	faults, err := Decode([]byte(body), &got, map[string]string{"title": "name"})
	want := []Fault{
		{"name", "must be a text"},
		{"note", "must be a text"},
		{"count", "must be a whole number"},
		{"on", "must be true or false"},
		{"list", "must be a list of texts"},
		{"labels", "must be an object of texts"},
		{"at", "must be a time such as 2026-12-24T18:00:00+01:00"},
		{"odd", "must be an odd number"},
		{"title", "given twice, first as name"},
		{"wat", "unknown field"},
		{"wat", "unknown field"},
		{"Name", "unknown field"},
		{"", "unknown field"},
	}
	if diff := cmp.Diff(want, faults); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if diff := cmp.Diff(sample{}, got); diff != "" {
		t.Errorf("kept:\n%s", diff)
	}
}

func TestNoObject(t *testing.T) {
	for body, want := range map[string]string{
		``: "the body is empty, must be one JSON object", " \n": "the body is empty, must be one JSON object",
		`null`: "the body must be one JSON object, it is null", `[]`: "the body must be one JSON object, it is a list", `1`: "the body must be one JSON object, it is a number",
		`"a"`: "the body must be one JSON object, it is a text", `true`: "the body must be one JSON object, it is true",
		`{} {}`: "there is data after it", `{} x`: "there is data after it",
		`{`: "it ends in the middle, after 1 bytes", `{"name"`: "it ends in the middle, after 7 bytes", `{"name": "a`: "it ends in the middle, after 11 bytes",
		`{"name": }`: "invalid character", `{"name": "a",}`: "invalid character",
	} {
		_, err := Decode([]byte(body), new(sample), nil)
		if err == nil || !strings.HasPrefix(err.Error(), "the body ") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "EOF") || strings.Contains(err.Error(), "nil") {
			t.Errorf("%q: %v, want %s", body, err, want)
		}
	}
}
