package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

//go:embed html/*.html
var htmlFiles embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"span": span, "millis": millis, "percent": percent, "plural": plural,
	"rows":  rowsHTML,
	"state": func(r Row) template.HTML { return stateHTML(&r) },
	"days": func(cells []Cell, w Window, up Uptime) template.HTML {
		return stripSVG(cells, w, stripLabel(cells, up))
	},
	"spark": sparkSVG,
	"time":  timeHTML,
	"ago":   agoHTML,
	"icon":  icon, "version": AssetsVersion,
	"join": func(list []string) string { return strings.Join(list, ", ") },
	"word": func(v health.Verdict) string { return v.String() },
	"bind": func(frame Frame, window Window, rows []Row) rowsOf { return rowsOf{frame, window, rows} },
}).ParseFS(htmlFiles, "html/*.html"))

// rowsOf are rows with what it takes to show them.
type rowsOf struct {
	Frame
	Window Window
	Rows   []Row
}

// Write renders the overview as HTML.
func (o *Overview) Write(w io.Writer) error { return render(w, "overview.html", o) }

// Write renders the page of one subject as HTML.
func (s *Subject) Write(w io.Writer) error { return render(w, "subject.html", s) }

// render writes nothing if the template fails.
func render(w io.Writer, name string, data any) error {
	var page bytes.Buffer
	if err := pages.ExecuteTemplate(&page, name, data); err != nil {
		return fmt.Errorf("rendering %s: %w", name, err)
	}
	_, err := w.Write(page.Bytes())
	return err
}

// timeHTML shows a moment in the zone of the server; a script may show it in the
// reader's.
func timeHTML(t, now time.Time) template.HTML {
	if t.IsZero() {
		return "never"
	}
	t = t.In(now.Location())
	layout := "2 Jan 2006 15:04:05"
	switch {
	case t.YearDay() == now.YearDay() && t.Year() == now.Year():
		layout = "15:04:05"
	case t.Year() == now.Year():
		layout = "2 Jan 15:04:05"
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`,
		t.UTC().Format(time.RFC3339), t.Format("Monday, 2 January 2006 15:04:05 MST"), t.Format(layout)))
}

// agoHTML shows how long ago a moment was.
func agoHTML(t, now time.Time) template.HTML {
	if t.IsZero() {
		return "never"
	}
	words := span(now.Sub(t)) + " ago"
	if t.After(now) {
		words = "in " + span(t.Sub(now))
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`,
		t.UTC().Format(time.RFC3339), t.In(now.Location()).Format("Monday, 2 January 2006 15:04:05 MST"), words))
}

// icon is the shape of a state: each has its own.
func icon(name string) template.HTML {
	return template.HTML(`<svg class="icon ` + template.HTMLEscapeString(name) + `" aria-hidden="true"><use href="#i-` + template.HTMLEscapeString(name) + `"/></svg>`)
}

// Look is the word of the state as it is shown: its own, or what stands before it.
func (r *Row) Look() string {
	switch {
	case r.Paused:
		return "paused"
	case r.Maintenance:
		return "maintenance"
	}
	return r.State.String()
}

// link gives a page of the overview with the filter.
func (f Filter) link(page int) string {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("q", f.Query)
	set("group", f.Group)
	set("state", f.State)
	for _, l := range f.Labels {
		q.Add("label", l)
	}
	if page > 1 {
		q.Set("page", fmt.Sprint(page))
	}
	return "?" + q.Encode()
}

// Link leads to the overview of one group.
func (g Group) Link() string { return Filter{Group: g.Name}.link(1) }

// Next and Previous are the links to other pages of the list; empty if there is none.
func (o *Overview) Next() string {
	if o.Filter.Page >= o.Pages {
		return ""
	}
	return o.Filter.link(o.Filter.Page + 1)
}

// Previous is the link to the page before.
func (o *Overview) Previous() string {
	if o.Filter.Page <= 1 {
		return ""
	}
	return o.Filter.link(o.Filter.Page - 1)
}

// Any reports whether the filter narrows anything down.
func (f Filter) Any() bool {
	return f.Query != "" || f.Group != "" || f.State != "" || len(f.Labels) > 0
}

// Troubled is the word for all that is Row.Troubled.
const Troubled = "troubled"

// States are the words that a filter may have.
func (Filter) States() []string {
	return []string{Troubled, "unhealthy", "degraded", "unknown", "healthy", "maintenance", "paused"}
}

// Has reports whether a text is one of the states of a filter.
func (f Filter) Has(state string) bool { return slices.Contains(f.States(), state) }

// Heading is the title of a browser's tab.
func (f *Frame) Heading() string {
	if f.Unhealthy > 0 {
		return fmt.Sprintf("(%d) %s", f.Unhealthy, f.Title)
	}
	return f.Title
}
