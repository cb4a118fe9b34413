package server

import (
	"net/http"
	"time"

	"github.com/health-exporter/health_exporter/internal/server/page"
)

// asset serves the style sheet and the script of the pages.
func asset(w http.ResponseWriter, r *http.Request) {
	content, kind, ok := page.Asset(r.PathValue("file"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "max-age=3600")
	h.Set("ETag", page.AssetsTag())
	http.ServeContent(w, r, "", time.Time{}, content)
}
