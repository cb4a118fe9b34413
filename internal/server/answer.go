package server

import (
	"bytes"
	"cmp"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/internal/server/page"
)

// renderer is a page that can be shown as HTML; as JSON it is itself.
type renderer interface{ Write(io.Writer) error }

// answerPage answers with a page in the form that the client likes better: JSON for
// programs that ask for it, HTML for everybody else.
func (s *server) answerPage(w http.ResponseWriter, r *http.Request, p renderer) {
	h := w.Header()
	h.Add("Vary", "Accept")
	if prefersJSON(r.Header.Get("Accept")) {
		writeJSON(w, http.StatusOK, "application/json", p)
		return
	}
	var body bytes.Buffer
	if err := p.Write(&body); err != nil {
		s.Log.Error("a page cannot be shown", "path", r.URL.Path, "err", err)
		http.Error(w, "The page cannot be shown: "+err.Error(), http.StatusInternalServerError)
		return
	}
	writeHTML(w, http.StatusOK, body.Bytes())
}

// answerProblem answers a browser with a page, and a program as the API does.
func (s *server) answerProblem(w http.ResponseWriter, r *http.Request, p *problem) {
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		p.write(w)
		return
	}
	depth := strings.Count(strings.Trim(r.URL.Path, "/"), "/")
	root := strings.Repeat("../", depth)
	f := page.Frame{Title: "health_exporter", Generated: time.Now(), Public: true, Root: root + "public/", Base: root} // what is there is seen under any name
	shown := page.Problem{Frame: f, Status: p.Status, What: cmp.Or(p.Title, http.StatusText(p.Status)), Detail: p.Detail}
	var body bytes.Buffer
	if err := shown.Write(&body); err != nil {
		p.write(w)
		return
	}
	writeHTML(w, p.Status, body.Bytes())
}

func writeHTML(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", contentPolicy)
	w.WriteHeader(status)
	w.Write(body)
}

// login leads back to the overview, once a browser has asked for the token that it
// takes to come here. From then on it sends it along.
func login(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Location", "./")
	w.WriteHeader(http.StatusSeeOther)
}

// contentPolicy lets a page load what comes from here and nothing else; nothing in a
// page can run.
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// prefersJSON reports whether an Accept header likes JSON better than HTML (RFC 9110,
// section 12.5.1). Who takes anything gets HTML.
func prefersJSON(accept string) bool {
	json, html := 0.0, 0.0
	for each := range strings.SplitSeq(accept, ",") {
		media, params, _ := strings.Cut(each, ";")
		weight := 1.0
		for param := range strings.SplitSeq(params, ";") {
			if name, value, ok := strings.Cut(strings.TrimSpace(param), "="); ok && strings.EqualFold(strings.TrimSpace(name), "q") {
				if q, err := strconv.ParseFloat(strings.TrimSpace(value), 64); err == nil {
					weight = q
				}
			}
		}
		switch strings.ToLower(strings.TrimSpace(media)) {
		case "application/json", "application/*":
			json = max(json, weight)
		case "text/html", "text/*", "application/xhtml+xml":
			html = max(html, weight)
		case "*/*":
			json, html = max(json, weight/2), max(html, weight)
		}
	}
	return json > html
}
