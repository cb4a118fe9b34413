package server

import (
	"net/http"

	"github.com/health-exporter/health_exporter/internal/server/page"
)

// Public says what everybody may see: states, since when, and uptimes; never where
// the targets are, what is wrong with them, or who is notified.
type Public struct {
	// Title stands above the pages.
	Title string
	// Shows reports whether a target or check is among them.
	Shows func(kind, name, group string) bool
}

// publicly lets the request through if there is anything public.
func (s *server) publicly(next func(http.ResponseWriter, *http.Request, *Public, reader)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		public := s.Settings().Public
		if public == nil {
			refuse(w, http.StatusNotFound, "there is no public page: the section public is not in the configuration")
			return
		}
		next(w, r, public, s.reader(r, true))
	}
}

// publicSubjects are those that everybody may see.
func (s *server) publicSubjects(public *Public) []subject {
	var list []subject
	for _, x := range s.subjects() {
		if public.shows(x) {
			list = append(list, x)
		}
	}
	return list
}

func (p *Public) shows(x subject) bool { return p.Shows(x.kind, x.name(), x.status.Target.Group) }

func (s *server) publicOverview(w http.ResponseWriter, r *http.Request, public *Public, to reader) {
	o := s.makeOverview(s.publicSubjects(public), filterOf(queryOf(r)), to)
	o.Frame = s.publicFrame(public, o.Counts, to, "", "")
	o.Late = nil // it concerns the operator only
	s.answerPage(w, r, o)
}

func (s *server) publicFrame(public *Public, c page.Counts, to reader, root, base string) page.Frame {
	f := s.frame(c, to, root, base)
	f.Title, f.Version, f.Started = public.Title, "", to.now
	return f
}

// publicSubject is the page of a target or check, or one of its badges.
func (s *server) publicSubject(kind string) http.HandlerFunc {
	return s.publicly(func(w http.ResponseWriter, r *http.Request, public *Public, to reader) {
		x, ok := s.subject(kind, r.PathValue("name"))
		if !ok || !public.shows(x) {
			s.noSubject(w, r, kind)
			return
		}
		if r.PathValue("file") != "" {
			s.badge(w, r, x, to)
			return
		}
		p := s.makeSubject(x, to)
		p.Frame = s.publicFrame(public, countsOf(s.publicSubjects(public), to), to, "../", "../")
		p.Badges = badgesOf(x)
		s.answerPage(w, r, p)
	})
}

func (s *server) publicFeed(w http.ResponseWriter, r *http.Request, public *Public, to reader) {
	s.answerFeed(w, r, &page.Feed{Site: s.site(r, "public/"), Title: public.Title}, s.publicSubjects(public), to)
}
