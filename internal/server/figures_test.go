package server

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/history"
	"github.com/health-exporter/health_exporter/internal/server/page"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// TestDaysOfTheCalendar begin and end at midnight by the wall clock, also where
// that is put forward or back: in the night, at midnight itself, and over midnight.
func TestDaysOfTheCalendar(t *testing.T) {
	const at = time.RFC3339
	for _, test := range []struct {
		name, zone, now string
		want            []string // the begin of each day and the end of the last
	}{
		{"no change", "UTC", "2026-03-03T12:00:00Z", []string{"2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z"}},
		{
			"forward", "Europe/Berlin", "2026-03-30T00:10:00+02:00",
			[]string{"2026-03-28T00:00:00+01:00", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", "2026-03-31T00:00:00+02:00"},
		},
		{
			"forward today", "Europe/Berlin", "2026-03-29T12:00:00+02:00",
			[]string{"2026-03-27T00:00:00+01:00", "2026-03-28T00:00:00+01:00", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"},
		},
		{
			"back", "Europe/Berlin", "2026-10-26T23:59:00+01:00",
			[]string{"2026-10-24T00:00:00+02:00", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", "2026-10-27T00:00:00+01:00"},
		},
		{
			"no midnight", "America/Sao_Paulo", "2018-11-05T12:00:00-02:00",
			[]string{"2018-11-03T00:00:00-03:00", "2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00", "2018-11-06T00:00:00-02:00"},
		},
		{
			"two midnights", "America/Havana", "2026-11-02T12:00:00-05:00",
			[]string{"2026-10-31T00:00:00-04:00", "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00", "2026-11-03T00:00:00-05:00"},
		},
		{
			"two midnights in the east", "Asia/Amman", "2021-10-30T12:00:00+02:00",
			[]string{"2021-10-28T00:00:00+03:00", "2021-10-29T00:00:00+03:00", "2021-10-30T00:00:00+02:00", "2021-10-31T00:00:00+02:00"},
		},
		{ // a whole day is left out
			"over the date line", "Pacific/Apia", "2012-01-01T12:00:00+14:00",
			[]string{"2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00", "2012-01-02T00:00:00+14:00"},
		},
	} {
		zone, err := time.LoadLocation(test.zone)
		if err != nil {
			t.Fatal(err)
		}
		now, err := time.Parse(at, test.now)
		if err != nil {
			t.Fatal(err)
		}
		w := lastDays(now.In(zone), len(test.want)-1)
		var got []string
		for i := range w.N + 1 {
			got = append(got, w.At(i).Format(at))
		}
		if diff := cmp.Diff(test.want, got); diff != "" || !w.To().Equal(w.At(w.N)) {
			t.Errorf("%s: (-want +got)\n%s", test.name, diff)
		}
	}
}

// TestCellsOfDays: what happened shortly before midnight counts for the day before, also
// on a day of 23 hours.
func TestCellsOfDays(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 28, 0, 0, 0, 0, zone)
	store, err := history.OpenAt(history.Options{}, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	name := history.TargetSubject("nas")
	// The last hour of the 29th, which has 23, and the last minute of the 30th.
	for _, each := range []struct {
		at    time.Time
		state history.State
	}{
		{now, history.Healthy},
		{time.Date(2026, 3, 29, 23, 0, 0, 0, zone), history.Unhealthy},
		{time.Date(2026, 3, 30, 0, 0, 0, 0, zone), history.Healthy},
		{time.Date(2026, 3, 30, 23, 59, 0, 0, zone), history.Degraded},
		{time.Date(2026, 3, 31, 0, 0, 0, 0, zone), history.Healthy},
	} {
		now = each.at
		store.Note(name, each.at, each.state)
	}
	now = time.Date(2026, 3, 31, 12, 0, 0, 0, zone)
	s := &server{Deps: Deps{History: store}}
	got := s.cells(subject{kind: kindTarget, status: &schedule.Status{Target: &prober.Target{App: "nas"}}}, lastDays(now, 5))
	want := []page.Cell{
		{NoData: true}, {State: health.Healthy}, {State: health.Unhealthy, Down: time.Hour}, {State: health.Degraded, Degraded: time.Minute}, {State: health.Healthy},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
