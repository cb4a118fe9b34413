package server

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/envinfo"
	"github.com/health-exporter/health_exporter/health"
)

//go:embed index.html
var indexHTML string

var indexPage = template.Must(template.New("index").Parse(indexHTML))

type indexRow struct {
	App, Place, State, Since, Age, Error string
	Paused                               bool
}

// index is a plain page: what runs here and how the targets are.
func (s *server) index(w http.ResponseWriter, _ *http.Request) {
	now := time.Now()
	data := struct {
		Version, Uptime, Verdict string
		Rows                     []indexRow
	}{Version: s.Version, Uptime: longDuration(now.Sub(s.Started))}
	counts := map[health.Verdict]int{}
	for _, st := range s.Scheduler.Snapshot() {
		counts[st.State.Verdict]++
		row := indexRow{
			App: st.Target.App, Place: st.Target.Place(), State: st.State.Verdict.String(),
			Since: st.Since.UTC().Format("2006-01-02 15:04:05 UTC"), Age: longDuration(now.Sub(st.Since)),
			Error: envinfo.Redact(st.Error), Paused: st.Target.Paused,
		}
		if st.Problem != "" {
			row.Error = st.Problem
		}
		data.Rows = append(data.Rows, row)
	}
	data.Verdict = verdictLine(counts, len(data.Rows))
	var page bytes.Buffer
	if err := indexPage.Execute(&page, data); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	w.Write(page.Bytes())
}

func verdictLine(counts map[health.Verdict]int, total int) string {
	if total == 0 {
		return "No targets yet."
	}
	var parts []string
	for _, v := range []health.Verdict{health.Unhealthy, health.Degraded, health.Unknown, health.Healthy} {
		if n := counts[v]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, v))
		}
	}
	return strings.Join(parts, ", ") + "."
}

// longDuration words a duration as people do: 1 hour, 2 minutes.
func longDuration(d time.Duration) string {
	seconds := int64(max(d, 0) / time.Second)
	var parts []string
	for _, unit := range []struct {
		name    string
		seconds int64
	}{{"year", 365 * 86400}, {"month", 30 * 86400}, {"day", 86400}, {"hour", 3600}, {"minute", 60}, {"second", 1}} {
		if n := seconds / unit.seconds; n > 0 {
			seconds -= n * unit.seconds
			plural := "s"
			if n == 1 {
				plural = ""
			}
			parts = append(parts, fmt.Sprintf("%d %s%s", n, unit.name, plural))
		}
	}
	if len(parts) == 0 {
		return "0 seconds"
	}
	return strings.Join(parts[:min(2, len(parts))], ", ")
}
