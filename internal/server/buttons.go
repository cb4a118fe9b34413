package server

import (
	"fmt"
	"net/http"

	"github.com/health-exporter/health_exporter/internal/server/access"
	"github.com/health-exporter/health_exporter/internal/server/page"
)

// may says which buttons the reader of a page may press.
func (s *server) may(r *http.Request, x subject) page.May {
	id, t := requester(r), x.status.Target
	if x.kind == kindCheck {
		return page.May{Probe: id.May(access.Admin)}
	}
	mine := owns(id, t)
	return page.May{
		Probe: mine && !t.Paused && x.status.Problem == "", Pause: mine && !t.Paused, Resume: mine && t.Paused,
		Remove: keeps(id, t) && t.Source.Stored(),
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
		action := r.PathValue("file")
		if p := mayPress(requester(r), x, action); p != nil {
			s.answerProblem(w, r, p)
			return
		}
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

// mayPress says why somebody may not press a button; nil if he may.
func mayPress(id *access.Identity, x subject, action string) *problem {
	t := x.status.Target
	switch {
	case x.kind == kindCheck:
		return refused(id.Refuse(access.Admin))
	case action == "remove" && keeps(id, t), owns(id, t):
		return nil
	}
	return notOwner(t)
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
