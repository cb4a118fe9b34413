package server

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/client/api"
	"github.com/health-exporter/health_exporter/internal/names"
)

// params are the parameters of a request. What is wrong with them is gathered, so that
// all of it is said at once. One that is given but empty is wrong too: whoever meant to narrow
// something down must not get all of it.
type params struct {
	values url.Values
	known  []string // those that were asked for
	faults []api.Fault
}

func readParams(r *http.Request) *params {
	values, err := url.ParseQuery(r.URL.RawQuery)
	p := &params{values: values}
	if err != nil {
		p.fault("", "the query cannot be read: "+err.Error())
	}
	return p
}

func (p *params) fault(field, detail string) {
	p.faults = append(p.faults, api.Fault{Field: field, Detail: detail})
}

// all are the values of a parameter that may be given more than once.
func (p *params) all(name string) []string {
	p.known = append(p.known, name)
	list := slices.Clone(p.values[name])
	if slices.Contains(list, "") {
		p.fault(name, isEmpty)
		return nil
	}
	if len(list) > maxValues {
		p.fault(name, fmt.Sprintf("is given %d times, at most %d are allowed", len(list), maxValues))
		list = nil
	}
	for _, v := range list {
		if len(v) > maxFilter {
			p.fault(name, fmt.Sprintf("has %d bytes, at most %d are allowed", len(v), maxFilter))
			return nil
		}
	}
	return list
}

// one is the value of a parameter that may be given once.
func (p *params) one(name string) string {
	p.known = append(p.known, name)
	switch list := p.values[name]; len(list) {
	case 0:
		return ""
	case 1:
		if list[0] == "" {
			p.fault(name, isEmpty)
		}
		return list[0]
	}
	p.fault(name, "is given more than once")
	return ""
}

// number is a whole number within a range, or what it is if it is not given.
func (p *params) number(name string, least, most, otherwise int) int {
	raw := p.one(name)
	if raw == "" {
		return otherwise
	}
	n, err := strconv.Atoi(raw)
	if err != nil || n < least || n > most {
		p.fault(name, fmt.Sprintf("must be a whole number between %d and %d, not %q", least, most, shortened(raw)))
		return otherwise
	}
	return n
}

// moment is a time; zero if it is not given. It reports whether that is one.
func (p *params) moment(name string) (t time.Time, ok bool) {
	raw := p.one(name)
	if raw == "" {
		return t, true
	}
	t, err := time.Parse(time.RFC3339, raw)
	if err != nil {
		p.fault(name, fmt.Sprintf("%q is not a valid time, such as 2026-12-24T18:00:00Z (a + in it is written %%2B)", shortened(raw)))
	}
	return t, err == nil
}

// words are values of a parameter that are among those allowed, whatever their case.
func (p *params) words(name string, allowed []string) []string {
	list := p.all(name)
	for i, word := range list {
		list[i] = strings.ToLower(word)
		if !slices.Contains(allowed, list[i]) {
			p.fault(name, fmt.Sprintf("%q is not one of %s", shortened(word), strings.Join(allowed, ", ")))
		}
	}
	return list
}

// refused says what is wrong with the parameters, those among it that nobody has asked
// for; nil if nothing is.
func (p *params) refused() *problem {
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		if slices.Contains(p.known, name) {
			continue
		}
		p.fault(shortened(name), "there is no such parameter"+thereAre(name, p.known))
	}
	if len(p.faults) == 0 {
		return nil
	}
	return &problem{Status: http.StatusBadRequest, Title: "Invalid query", Errors: p.faults}
}

// thereAre goes on after what says that there is no such name, with those that there are,
// and the one that was probably meant.
func thereAre(wrong string, known []string) string {
	hint := "."
	if near := names.Nearest(wrong, known); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return hint + " Allowed are " + strings.Join(known, ", ")
}

// isEmpty is what is wrong with a parameter without a value.
const isEmpty = "is empty: give a value, or leave the parameter out"

const (
	maxFilter = 256 // bytes of one value
	maxValues = 100 // of one parameter
)

// shortened is as much of what somebody sent as is sent back.
func shortened(text string) string {
	if len(text) <= maxFilter {
		return text
	}
	return strings.ToValidUTF8(text[:maxFilter], "") + "…"
}
