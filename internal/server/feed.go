package server

import (
	"bytes"
	"net"
	"net/http"

	"github.com/health-exporter/health_exporter/internal/server/page"
)

// maxFeed is how many changes the feed has.
const maxFeed = 100

func (s *server) feed(w http.ResponseWriter, r *http.Request) {
	s.answerFeed(w, r, &page.Feed{Site: s.site(r, ""), Title: "health_exporter"}, s.subjects(), s.reader(r, false))
}

func (s *server) answerFeed(w http.ResponseWriter, r *http.Request, f *page.Feed, subjects []subject, to reader) {
	recent := foremost[subject]{n: maxFeed, compare: younger}
	for _, x := range subjects {
		recent.add(x)
	}
	last, _ := recent.list()
	f.Changes = changesOf(last, maxFeed, to)
	f.Updated = s.Started
	if len(f.Changes) > 0 {
		f.Updated = f.Changes[0].Time
	}
	var body bytes.Buffer
	if err := f.Write(&body); err != nil {
		http.Error(w, "The feed cannot be shown: "+err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/atom+xml; charset=utf-8")
	h.Set("Cache-Control", "max-age=60")
	http.ServeContent(w, r, "", f.Updated, bytes.NewReader(body.Bytes()))
}

// site is the absolute URL of the overview below which a path is: the one that the
// operator has given, or the one that the request was sent to, if that is a name of ours.
func (s *server) site(r *http.Request, path string) string {
	if external := s.Settings().ExternalURL; external != "" {
		return external + "/" + path
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	host := r.Host
	if !requester(r).OurName { // it would lead to whoever has that name
		host = "localhost"
		if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
			host = local.String()
		}
	}
	return scheme + "://" + host + s.prefix() + path
}
