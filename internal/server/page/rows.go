package page

import (
	"html"
	"html/template"
	"strings"
)

// rowsHTML are the rows of a table. There may be a thousand, and a template takes ten
// times as long for them, so they are put together here: every text goes through
// text, and everything else is ours.
func rowsHTML(rows []Row, w Window) template.HTML {
	var b strings.Builder
	b.Grow(len(rows) * 1200)
	for i := range rows {
		rows[i].write(&b, w)
	}
	return template.HTML(b.String())
}

func (r *Row) write(b *strings.Builder, w Window) {
	put(b, `<tr><th scope="row"><a href="`, text(r.Link), `">`, text(r.Name), `</a>`)
	if r.Place != "" {
		put(b, `<small>`, text(r.Place), `</small>`)
	}
	put(b, `</th><td>`, string(stateHTML(r)), `</td><td class="latency">`)
	if r.Latency > 0 {
		put(b, millis(r.Latency), " ")
		writeSpark(b, r.Latencies)
	} else {
		put(b, "–")
	}
	put(b, `</td>`)
	for _, u := range []Uptime{r.Day, r.Month} {
		put(b, `<td class="up"><span title="`, u.Note(), `">`, u.Words(), `</span></td>`)
	}
	put(b, `<td class="history">`)
	writeStrip(b, r.Strip, w, stripLabel(r.Strip, r.Day))
	put(b, "</td></tr>\n")
}

// stateHTML is the state by word, shape and colour. What is paused or in maintenance
// shows the state behind that too.
func stateHTML(r *Row) template.HTML {
	look, state := r.Look(), r.State.String()
	text := `<span class="state ` + look + `">` + string(icon(look)) + look
	if look != state {
		text += ` <small>(` + state + `)</small>`
	}
	return template.HTML(text + `</span>`)
}

// text is any text as it may stand in HTML, or in an attribute between double quotes.
func text(s string) string { return html.EscapeString(strings.ToValidUTF8(s, "\uFFFD")) }
