package collector

import (
	"iter"

	"github.com/health-exporter/health_exporter/prober/schedule"
)

// TextContentType is the media type of the text format, version 0.0.4.
const TextContentType = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"

// textHead appends what stands before the series of a family in the text format.
func textHead(b []byte, f *family) []byte {
	kind := "gauge" // the text format knows no info
	if f.kind == counter {
		kind = "counter"
	}
	return appendHead(b, f.name, f.help, kind)
}

func appendHead(b []byte, name, help, kind string) []byte {
	b = append(b, "# HELP "...)
	b = append(b, name...)
	b = append(b, ' ')
	b = appendHelp(b, help)
	b = append(b, "\n# TYPE "...)
	b = append(b, name...)
	b = append(b, ' ')
	b = append(b, kind...)
	return append(b, '\n')
}

// appendHelp escapes what would end the line. Quotes stay as they are, as the
// text format wants it; our own texts have none, as OpenMetrics would not.
func appendHelp(b []byte, help string) []byte {
	for i := range len(help) {
		switch c := help[i]; c {
		case '\\':
			b = append(b, `\\`...)
		case '\n':
			b = append(b, `\n`...)
		default:
			b = append(b, c)
		}
	}
	return b
}

// family writes one family: head is textHead or openMetricsHead, the series
// look the same in both formats. A family without series is left out.
func (w *writer) family(f *family, head func([]byte, *family) []byte, list []*schedule.Status, labels []rendered) {
	before := len(w.buf)
	w.buf = head(w.buf, f)
	after := len(w.buf)
	var some bool
	switch {
	case f.count != nil:
		some = true
		w.buf = appendSample(w.buf, f.name, "", " ", f.count(list))
	case f.value != nil:
		some = w.values(f, list, labels)
	case f.nth != nil:
		some = w.words(f, list, labels)
	case f.series != nil:
		some = w.open(f, list, labels)
	case f.describe != nil:
		some = w.infos(f, labels)
	}
	if !some && len(w.buf) == after {
		w.buf = w.buf[:before]
	}
}

func appendSample(b []byte, name, head, tail string, v number) []byte {
	b = append(b, name...)
	b = append(b, head...)
	b = append(b, tail...)
	b = v.appendTo(b)
	return append(b, '\n')
}

// batch is how many targets are read before they are written. Their statuses are
// scattered over the memory, and the processor fetches many at a time only if it need
// not do much with each.
const batch = 64

// batches gives the bounds of all batches of a list, until the page cannot go on.
func (w *writer) batches(n int) iter.Seq2[int, int] {
	return func(yield func(from, to int) bool) {
		for from := 0; from < n; from += batch {
			if !yield(from, min(from+batch, n)) {
				return
			}
			if len(w.buf) >= chunkSize && !w.flush() {
				return
			}
		}
	}
}

func (w *writer) values(f *family, list []*schedule.Status, labels []rendered) (some bool) {
	ends := endsOf("} ")
	var read [batch]sample
	for from, to := range w.batches(len(list)) {
		for i, s := range list[from:to] {
			read[i].number, read[i].there = f.value(s)
		}
		for i := range to - from {
			if read[i].there {
				some = true
				w.buf = ends.appendTo(w.buf, f.name, labels[from+i].head, read[i].number)
			}
		}
	}
	return some
}

func (w *writer) words(f *family, list []*schedule.Status, labels []rendered) (some bool) {
	ends := make([]ends, len(f.words))
	for i, word := range f.words {
		ends[i] = endsOf(string(append(appendLabel(nil, ',', f.label, word), "} "...)))
	}
	read := make([]sample, batch*len(ends))
	for from, to := range w.batches(len(list)) {
		for i, s := range list[from:to] {
			for j := range ends {
				each := &read[i*len(ends)+j]
				each.number, each.there = f.nth(s, j)
			}
		}
		for i := range to - from {
			for j := range ends {
				if each := &read[i*len(ends)+j]; each.there {
					some = true
					w.buf = ends[j].appendTo(w.buf, f.name, labels[from+i].head, each.number)
				}
			}
		}
	}
	return some
}

func (w *writer) open(f *family, list []*schedule.Status, labels []rendered) (some bool) {
	for i, s := range list {
		w.series.reset()
		f.series(&w.series, s)
		for j, v := range w.series.numbers {
			some = true
			b := append(w.buf, f.name...)
			b = append(b, labels[i].head...)
			for k, name := range f.labels {
				b = appendLabel(b, ',', name, w.series.values[j*len(f.labels)+k])
			}
			w.buf = appendSample(b, "", "", "} ", v)
		}
		if len(w.buf) >= chunkSize && !w.flush() {
			break
		}
	}
	return some
}

func (w *writer) infos(f *family, labels []rendered) bool {
	for i := range labels {
		b := append(w.buf, f.name...)
		w.buf = appendSample(b, labels[i].head, labels[i].info, "} ", integer(1))
		if len(w.buf) >= chunkSize && !w.flush() {
			break
		}
	}
	return len(labels) > 0
}
