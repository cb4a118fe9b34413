package server

import (
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/history"
	"github.com/health-exporter/health_exporter/internal/server/page"
)

// lastDay are the half hours up to now.
func lastDay(now time.Time) page.Window {
	const width = 30 * time.Minute
	return page.Window{From: now.Truncate(width).Add(-(halfHours - 1) * width), Width: width, N: halfHours}
}

// lastDays are n days up to today, by the calendar of the zone of now.
func lastDays(now time.Time, n int) page.Window {
	first := page.Window{From: now}.At(1 - n)
	return page.Window{From: first, N: n}
}

// cells are the buckets of a window.
func (s *server) cells(x subject, w page.Window) []page.Cell {
	buckets := s.buckets(x, w)
	cells := make([]page.Cell, len(buckets))
	for i, b := range buckets {
		cells[i] = page.Cell{
			State:  b.Worst.Verdict(),
			NoData: b.Worst.Has(history.NoData), Maintenance: b.Worst.Has(history.Maintenance), Paused: b.Worst.Has(history.Paused),
			Down: b.Sums.Unhealthy, Degraded: b.Sums.Degraded,
		}
		if b.Worst == history.Unknown && b.Sums.Healthy > b.Sums.Unknown {
			cells[i].State = health.Healthy // a moment of not knowing, as after a start, is not trouble
		}
	}
	return cells
}

// buckets asks for as many at once as have the same width: a day may have 23 hours, or
// none.
func (s *server) buckets(x subject, w page.Window) []history.Bucket {
	var list []history.Bucket
	for len(list) < w.N {
		i := len(list)
		width, n := w.At(i+1).Sub(w.At(i)), 1
		if width == 0 {
			list = append(list, history.Bucket{Worst: history.NoData})
			continue
		}
		for i+n < w.N && (w.Width != 0 || w.At(i+n+1).Sub(w.At(i+n)) == width) {
			n++
		}
		list = s.History.AppendBuckets(list, x.remembered(), w.At(i), width, n)
	}
	return list
}

// uptime is the share of what is summed up.
func uptime(sums history.Sums) page.Uptime {
	share, known := sums.Uptime()
	unknown := sums.Unknown + sums.NoData + sums.Paused + sums.Maintenance
	return page.Uptime{Share: share, Known: known, Unknown: unknown, UnknownSeconds: unknown.Seconds()}
}

// parts are all that the sums are made of.
func parts(sums history.Sums) []page.Part {
	list := []page.Part{
		{Word: "healthy", Took: sums.Healthy},
		{Word: "degraded", Took: sums.Degraded},
		{Word: "unhealthy", Took: sums.Unhealthy},
		{Word: "unknown", Took: sums.Unknown},
		{Word: "maintenance", Took: sums.Maintenance},
		{Word: "paused", Took: sums.Paused},
		{Word: "no data", Took: sums.NoData},
	}
	for i := range list {
		list[i].Seconds = list[i].Took.Seconds()
	}
	return list
}
