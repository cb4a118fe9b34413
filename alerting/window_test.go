package alerting

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // not every machine has the zones
)

func TestWindowInTime(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	hours := func(h float64) time.Duration { return time.Duration(h * float64(time.Hour)) }
	once := Window{Start: time.Date(2026, 1, 1, 20, 0, 0, 0, time.UTC), End: time.Date(2026, 1, 2, 2, 0, 0, 0, time.UTC)}
	sunday := Window{Weekly: &Weekly{Days: []time.Weekday{time.Sunday}, From: hours(2), To: hours(4)}}
	night := Window{Weekly: &Weekly{Days: []time.Weekday{time.Friday}, From: hours(22), To: hours(6)}}
	daily := Window{Weekly: &Weekly{From: hours(12), To: hours(12.5)}}
	there := Window{Weekly: &Weekly{From: hours(2.5), To: hours(3.5), Location: berlin}}
	half := Window{Weekly: &Weekly{Days: []time.Weekday{time.Sunday}, From: hours(2.25), To: hours(2.75), Location: berlin}}
	until := Window{Weekly: &Weekly{Days: []time.Weekday{time.Sunday}, From: hours(1.5), To: hours(2.5), Location: berlin}}
	late := Window{Weekly: &Weekly{Days: []time.Weekday{time.Saturday}, From: hours(23), To: hours(2.5), Location: berlin}}
	whole := Window{Weekly: &Weekly{From: 0, To: hours(24)}}
	for _, test := range []struct {
		name string
		w    Window
		at   string
		want bool
	}{
		{"once, before", once, "2026-01-01T19:59:59Z", false},
		{"once, at the start", once, "2026-01-01T20:00:00Z", true},
		{"once, at the end", once, "2026-01-02T02:00:00Z", false},
		{"sunday", sunday, "2026-01-04T03:00:00Z", true},
		{"monday", sunday, "2026-01-05T03:00:00Z", false},
		{"sunday, too late", sunday, "2026-01-04T04:00:00Z", false},
		{"over midnight, before it", night, "2026-01-02T23:00:00Z", true},
		{"over midnight, after it", night, "2026-01-03T05:59:00Z", true},
		{"over midnight, too late", night, "2026-01-03T06:00:00Z", false},
		{"the night before", night, "2026-01-02T05:00:00Z", false},
		{"every day", daily, "2026-01-07T12:15:00Z", true},
		{"another place", there, "2026-01-07T02:00:00Z", true},
		{"another place, in summer", there, "2026-07-07T01:00:00Z", true},
		{"another place, in summer, UTC", there, "2026-07-07T02:00:00Z", false},
		{"clock put back", there, "2026-10-25T01:45:00Z", true},
		{"hour repeated, first time", half, "2026-10-25T00:20:00Z", true},
		{"hour repeated, between", half, "2026-10-25T00:50:00Z", false},
		{"hour repeated, second time", half, "2026-10-25T01:20:00Z", true},
		{"hour repeated, after it", half, "2026-10-25T01:50:00Z", false},
		{"hour repeated, over its end, first time", until, "2026-10-25T00:29:00Z", true},
		{"hour repeated, over its end, second time", until, "2026-10-25T01:29:00Z", true},
		{"hour repeated, over its end, later", until, "2026-10-25T01:31:00Z", false},
		{"hour repeated, over midnight", late, "2026-10-25T01:29:00Z", true},
		{"hour left out", half, "2026-03-29T01:20:00Z", true},
		{"hour left out, before it", half, "2026-03-29T00:50:00Z", false},
		{"hour left out, too late", half, "2026-03-29T01:50:00Z", false},
		{"the whole day", whole, "2026-01-07T23:59:59Z", true},
	} {
		at, err := time.Parse(time.RFC3339, test.at)
		if err != nil {
			t.Fatal(err)
		}
		if err := test.w.Check(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if got := test.w.Open(at); got != test.want {
			t.Errorf("%s: open %v", test.name, got)
		}
	}
}

func TestWhatAWindowCovers(t *testing.T) {
	for _, test := range []struct {
		w    Window
		s    Subject
		want bool
	}{
		{Window{}, Subject{Name: "nas"}, true},
		{Window{Targets: []string{"nas"}}, Subject{Name: "nas"}, true},
		{Window{Targets: []string{"web-*"}}, Subject{Name: "web-1"}, true},
		{Window{Targets: []string{"web-*"}}, Subject{Name: "nas", Group: "web-1"}, false},
		{Window{Groups: []string{"home"}}, Subject{Name: "nas", Group: "home"}, true},
		{Window{Groups: []string{"*"}}, Subject{Name: "nas"}, false},
		{Window{Targets: []string{"x"}, Groups: []string{"home"}}, Subject{Name: "nas", Group: "home"}, true},
	} {
		if got := test.w.Covers(&test.s); got != test.want {
			t.Errorf("%+v covers %+v: %v", test.w, test.s, got)
		}
	}
	now := time.Now()
	list := Windows{{Targets: []string{"a"}, Start: now, End: now.Add(time.Hour)}, {Targets: []string{"b"}, Start: now.Add(time.Hour), End: now.Add(2 * time.Hour)}}
	if !list.Hold(&Subject{Name: "a"}, now) || list.Hold(&Subject{Name: "b"}, now) || list.Hold(&Subject{Name: "c"}, now) {
		t.Error("the wrong ones are held")
	}
}

func TestWrongWindows(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		w    Window
		want string
	}{
		{Window{}, "needs a start and an end"},
		{Window{Start: now}, "needs a start and an end"},
		{Window{Start: now, End: now}, "ends ("},
		{Window{Weekly: &Weekly{}}, "two different times"},
		{Window{Weekly: &Weekly{From: 25 * time.Hour}}, "two different times"},
		{Window{Weekly: &Weekly{To: time.Hour}, Start: now}, "one or the other"},
		{Window{Targets: []string{""}, Start: now, End: now.Add(1)}, `"" is not a valid name or pattern`},
		{Window{Groups: []string{""}, Start: now, End: now.Add(1)}, `"" is not a valid name or pattern`},
	} {
		if err := test.w.Check(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v", test.w, err)
		}
	}
}
