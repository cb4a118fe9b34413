package server

import (
	"fmt"
	"net/http"

	"github.com/health-exporter/health_exporter/internal/server/page"
)

// may tells which buttons the reader of a page may press.
func (s *server) may(r *http.Request, x subject) page.May {
	who, p := s.identify(r)
	if p != nil {
		return page.May{}
	}
	t := x.status.Target
	if x.kind == kindCheck {
		return page.May{Probe: true}
	}
	mine := owns(who, t)
	return page.May{
		Probe: mine && !t.Paused && x.status.Problem == "", Pause: mine && !t.Paused, Resume: mine && t.Paused,
		Remove: mine && t.Source.Stored(),
	}
}

// press does what a button of a page says, and leads back to the page. Requests that
// another site has made never come here (http.CrossOriginProtection).
func (s *server) press(kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		x, ok := s.subject(kind, r.PathValue("name"))
		if !ok {
			s.noSubject(w, r, kind)
			return
		}
		if kind == kindTarget && !owns(requester(r), x.status.Target) {
			s.answerProblem(w, r, problemOf(notOwner(x.name())))
			return
		}
		action := r.PathValue("file")
		if p := s.act(r, x, action); p != nil {
			s.answerProblem(w, r, p)
			return
		}
		back := "../../" + x.link() + "?done=" + action
		if action == "remove" {
			back = "../../"
		}
		w.Header().Set("Location", back) // relative, so that it is right behind a proxy too
		w.WriteHeader(http.StatusSeeOther)
	}
}

func (s *server) act(r *http.Request, x subject, action string) *problem {
	t := x.status.Target
	switch {
	case action == "probe":
		_, p := probeNow(r.Context(), x.of, t.App)
		return p
	case x.kind == kindCheck:
	case action == "pause":
		return s.pause(t, true)
	case action == "resume":
		return s.pause(t, false)
	case action == "remove":
		return s.remove(t)
	}
	return &problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("there is no action %q for a %s", action, x.kind)}
}
