package server

import (
	"context"
	"fmt"
	"net/http"

	"github.com/health-exporter/health_exporter/internal/server/access"
)

// The rights of routes, besides those that somebody can have.
const (
	// ownRule is checked by the handler itself.
	ownRule access.Right = "own rule"
	// readOrDebug is Read, and Debug for what debug=true shows.
	readOrDebug access.Right = "read, or debug with debug=true"
)

type identityKey struct{}

// guard lets only those requests through that have the right that their route needs, and
// were sent to a name of ours. A pattern that came into the mux past handle is refused.
func (s *server) guard(mux *routes, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := s.gate.Identify(&s.Settings().Access, r)
		r = r.WithContext(context.WithValue(r.Context(), identityKey{}, id))
		if p := s.admit(mux, r, id); p != nil {
			s.turnAway(w, r, p)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// admit says why a request may not be answered; nil if it may.
func (s *server) admit(mux *routes, r *http.Request, id *access.Identity) *problem {
	_, pattern := mux.mux.Handler(r)
	need, known := mux.rights[pattern]
	switch {
	case pattern == "":
		need = access.Open // not found, or not with this method
	case !known:
		return &problem{Status: http.StatusInternalServerError, Detail: "the route " + pattern + " has no right of its own, so nobody may use it"}
	}
	if !mux.anyName[pattern] && !(need == ownRule && s.hasOwnSecret(r)) {
		if p := s.refuseName(id); p != nil {
			return p
		}
	}
	switch need {
	case ownRule:
		return nil
	case readOrDebug:
		need = access.Read
		if r.URL.Query().Get("debug") == "true" {
			need = access.Debug
		}
	}
	return refused(id.Refuse(need))
}

// refuseName says that a request was sent to a name that a stranger may own, and logs it.
func (s *server) refuseName(id *access.Identity) *problem {
	refusal := id.RefuseName()
	if refusal != nil {
		s.strangers.Note(s.Log, id)
	}
	return refused(refusal)
}

// turnAway answers who may not, and asks for a token if one would do.
func (s *server) turnAway(w http.ResponseWriter, r *http.Request, p *problem) {
	if p.Status == http.StatusUnauthorized {
		challenge(w, "health_exporter")
	}
	s.answerProblem(w, r, p)
}

func refused(refusal *access.Refusal) *problem {
	if refusal == nil {
		return nil
	}
	return &problem{Status: refusal.Status, Detail: refusal.Detail}
}

// challenge asks for a token: a browser for the password of any user.
func challenge(w http.ResponseWriter, realm string) {
	w.Header().Add("WWW-Authenticate", fmt.Sprintf(`Basic realm=%q, charset="UTF-8"`, realm))
	w.Header().Add("WWW-Authenticate", fmt.Sprintf(`Bearer realm=%q`, realm))
}

// requester is who has sent a request that the guard let through.
func requester(r *http.Request) *access.Identity {
	return r.Context().Value(identityKey{}).(*access.Identity)
}

func mayDebug(r *http.Request) bool { return requester(r).May(access.Debug) }

// sameSite refuses what browsers send on behalf of other sites. A page that is found
// under one of our URLs is our own, by whatever name a proxy asks us.
func (s *server) sameSite(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		check := http.NewCrossOriginProtection()
		for _, origin := range s.Settings().Access.Origins() {
			_ = check.AddTrustedOrigin(origin) // one that is malformed is nobody's
		}
		if err := check.Check(r); err != nil {
			refuse(w, http.StatusForbidden, "another site has sent this request: "+err.Error())
			return
		}
		next.ServeHTTP(w, r)
	})
}
