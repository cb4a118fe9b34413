package server

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/client/api"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/server/page"
)

// badgeAge is how long a badge may be shown without asking again.
const badgeAge = 30 * time.Second

// badge answers with one of the pictures of a subject.
func (s *server) badge(w http.ResponseWriter, r *http.Request, x subject, to reader) {
	var b page.Badge
	switch r.PathValue("file") {
	case "state.svg":
		row := x.row(to)
		b = page.StateBadge(&row)
	case "uptime.svg":
		wanted := cmp.Or(queryOf(r).Get("span"), uptimeSpans[0].name)
		i := slices.IndexFunc(uptimeSpans, func(each uptimeSpan) bool { return each.name == wanted })
		if i < 0 {
			(&problem{Status: http.StatusBadRequest, Title: "Invalid query", Errors: []api.Fault{
				{Field: "span", Detail: fmt.Sprintf("%q must be 24h, 7d, 30d or 365d", wanted)},
			}}).write(w)
			return
		}
		each := uptimeSpans[i]
		b = page.UptimeBadge(each.words, uptime(s.History.Sum(x.remembered(), to.now.Add(-each.span), to.now)))
	case "latency.svg":
		b = page.LatencyBadge(x.status.Latency)
	default:
		refuse(w, http.StatusNotFound, "there is no "+r.PathValue("file")+", only "+strings.Join(badgeFiles, ", "))
		return
	}
	answerPicture(w, r, b.SVG(), badgeAge)
}

// favicon is the icon of a browser's tab.
func favicon(w http.ResponseWriter, r *http.Request) {
	var v health.Verdict
	_ = v.UnmarshalText([]byte(queryOf(r).Get("state"))) // anything else is unknown
	n, _ := strconv.Atoi(queryOf(r).Get("n"))
	answerPicture(w, r, page.Favicon(v, max(n, 0)), time.Hour)
}

// answerPicture answers with an SVG that may be kept for a while, and asked for again
// by its ETag.
func answerPicture(w http.ResponseWriter, r *http.Request, svg []byte, age time.Duration) {
	h := w.Header()
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	h.Set("Cache-Control", fmt.Sprintf("max-age=%d", int(age.Seconds())))
	h.Set("ETag", fmt.Sprintf("%q", fmt.Sprintf("%x", sha256.Sum256(svg))[:16]))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(svg))
}
