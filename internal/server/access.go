package server

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/health-exporter/health_exporter/internal/server/access"
)

// The rights of routes, besides those that somebody can have.
const (
	// ownRule is checked by the handler itself.
	ownRule access.Right = "own rule"
	// readOrDebug is Read, and Debug for what debug=true shows.
	readOrDebug access.Right = "read, or debug with debug=true"
)

// visit is what the guard has found out of a request that it lets through.
type visit struct {
	*access.Identity
	// query is that of the URL, parsed once for all who look at it.
	query url.Values
}

type visitKey struct{}

// guard lets only those requests through that have the right that their route needs, and
// were sent to a name of ours. A pattern that came into the mux past handle is refused.
func (s *server) guard(mux *routes, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{s.gate.Identify(&s.Settings().Access, r), r.URL.Query()}
		r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
		if p := s.admit(mux, r, v); p != nil {
			s.turnAway(w, r, p)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// admit says why a request may not be answered; nil if it may.
func (s *server) admit(mux *routes, r *http.Request, v *visit) *problem {
	_, pattern := mux.mux.Handler(r)
	need, known := mux.rights[pattern]
	switch {
	case pattern == "":
		need = access.Open // not found, or not with this method
	case !known:
		return &problem{Status: http.StatusInternalServerError, Detail: "the route " + pattern + " has no right of its own, so nobody may use it"}
	}
	if !mux.anyName[pattern] && !(need == ownRule && s.hasOwnSecret(r)) {
		if p := s.refuseName(v.Identity); p != nil {
			return p
		}
	}
	switch need {
	case ownRule:
		return nil
	case readOrDebug:
		need = access.Read
		if v.query.Get("debug") == "true" {
			need = access.Debug
		}
	}
	return refused(v.Refuse(need))
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
	return r.Context().Value(visitKey{}).(*visit).Identity
}

// queryOf is the query of a request that the guard let through.
func queryOf(r *http.Request) url.Values { return r.Context().Value(visitKey{}).(*visit).query }

func mayDebug(r *http.Request) bool { return requester(r).May(access.Debug) }

// sameSite refuses what browsers send on behalf of other sites. A page that is found
// under one of our URLs is our own, by whatever name a proxy asks us.
func (s *server) sameSite(next http.Handler) http.Handler {
	sameHost := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := sameHost.Check(r)
		if err != nil { // only then does it matter what other names we have
			err = ownOrigins(s.Settings().Access.Origins()).Check(r)
		}
		if err != nil {
			refuse(w, http.StatusForbidden, "another site has sent this request: "+err.Error())
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ownOrigins lets through what pages of the origins send, too.
func ownOrigins(origins []string) *http.CrossOriginProtection {
	check := http.NewCrossOriginProtection()
	for _, origin := range origins {
		_ = check.AddTrustedOrigin(origin) // one that is malformed is nobody's
	}
	return check
}
