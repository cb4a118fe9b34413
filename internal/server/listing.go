package server

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"iter"
	"net/http"
	"strconv"
	"strings"
)

const (
	maxPage     = 10_000
	defaultPage = 1000 // of a page that is asked for by its cursor only
	listBuffer  = 32 << 10
)

// list is what the API lists. It may be very long, so it is written item by item and
// never built whole.
type list[T any] struct {
	// name is that of the list in JSON.
	name string
	// all gives the items. Those of pages are sorted by key, of which there is one for each.
	all iter.Seq[T]
	key func(T) string
	// total, if it is there, is how many there are on all pages; then all need not have those
	// of the pages before.
	total func() int
	// view is an item in JSON.
	view func(T) any
}

// part is how much of a list is asked for: all, or so many of those after a key.
type part struct {
	paged bool
	limit int
	after string
}

// part reads limit and cursor.
func (p *params) part() part {
	limit, cursor := p.number("limit", 1, maxPage, 0), p.one("cursor")
	after, ok := afterCursor(cursor)
	if !ok {
		p.fault("cursor", "is none that was given as next")
	}
	paged := limit > 0 || cursor != ""
	if limit == 0 {
		limit = defaultPage
	}
	return part{paged: paged, limit: limit, after: after}
}

// cursorMark begins each cursor, so that another kind of it can be told apart one day.
const cursorMark = "1"

// cursorAfter is what a page ends with, for whoever asks for the next one. It is opaque:
// what is in it may change.
func cursorAfter(key string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(cursorMark + key))
}

// afterCursor is the key in a cursor; empty for none.
func afterCursor(cursor string) (key string, ok bool) {
	if cursor == "" {
		return "", true
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	key, ok = strings.CutPrefix(string(text), cursorMark)
	return key, ok && err == nil && key != ""
}

// page is one page of the list, how many items all pages have, and the cursor of the next
// one; empty if this is the last.
func (l *list[T]) page(of part) (items []T, total int, next string) {
	for item := range l.all {
		total++
		switch {
		case l.key(item) <= of.after:
		case len(items) < of.limit:
			items = append(items, item)
		case next == "":
			next = cursorAfter(l.key(items[len(items)-1]))
		}
		if next != "" && l.total != nil {
			break
		}
	}
	if l.total != nil {
		total = l.total()
	}
	return items, total, next
}

// answer writes the list, or the page that is asked for.
func (l *list[T]) answer(w http.ResponseWriter, r *http.Request, of part) {
	if !of.paged {
		out := startList(w, r, `{"`+l.name+`":[`)
		for item := range l.all {
			if !out.add(l.view(item)) {
				return
			}
		}
		out.end("]}\n")
		return
	}
	items, total, next := l.page(of)
	if next != "" {
		w.Header().Set("Link", "<"+nextPage(r, next)+`>; rel="next"`)
	}
	out := startList(w, r, `{"`+l.name+`":[`)
	for _, item := range items {
		if !out.add(l.view(item)) {
			return
		}
	}
	rest := `],"total":` + strconv.Itoa(total)
	if next != "" {
		rest += `,"next":"` + next + `"`
	}
	out.end(rest + "}\n")
}

// nextPage leads from a page to the next one of the same request.
func nextPage(r *http.Request, cursor string) string {
	q := r.URL.Query()
	q.Set("cursor", cursor)
	return "?" + q.Encode()
}

// listing is a list while it is written.
type listing struct {
	out     *bufio.Writer
	item    bytes.Buffer
	encoder *json.Encoder
	some    bool
}

// startList begins the answer, with what stands before the items.
func startList(w http.ResponseWriter, r *http.Request, before string) *listing {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	l := &listing{}
	if r.Method != http.MethodHead {
		l.out = bufio.NewWriterSize(w, listBuffer)
		l.encoder = json.NewEncoder(&l.item)
		_, _ = l.out.WriteString(before) // an error stays for the next write
	}
	return l
}

// add writes one more item, and reports whether anybody reads on. What cannot be encoded
// ends the connection: the reader must not take what it has for the whole list.
func (l *listing) add(item any) bool {
	if l.out == nil {
		return false
	}
	if l.some {
		_ = l.out.WriteByte(',')
	}
	l.some = true
	l.item.Reset()
	if err := l.encoder.Encode(item); err != nil {
		panic(http.ErrAbortHandler)
	}
	_, err := l.out.Write(bytes.TrimSuffix(l.item.Bytes(), []byte("\n")))
	return err == nil
}

// end writes what stands behind the items.
func (l *listing) end(after string) {
	if l.out != nil {
		_, _ = l.out.WriteString(after)
		_ = l.out.Flush() // whoever is gone has not read the end
	}
}
