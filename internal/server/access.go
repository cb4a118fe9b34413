package server

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/health-exporter/health_exporter/prober"
)

// Right is what the holder of a token may do.
type Right string

// The rights that tokens can have.
const (
	Read  Right = "read"
	Write Right = "write"
	Debug Right = "debug"
)

const (
	// open needs no right: it tells no more than whether the exporter is well.
	open Right = ""
	// ownRule is checked by the handler itself.
	ownRule Right = "own rule"
	// readOrDebug is Read, and Debug for what debug=true shows.
	readOrDebug Right = "read, or debug with debug=true"
)

// Access says what may be seen without a token. The zero value leaves all open.
type Access struct {
	// Read is "open" or "token", Debug "open", "local" or "token"; empty means open.
	Read, Debug string
	// Has tells whether the holder of a token has a right; nil gives all holders the
	// rights to read and to write.
	Has func(holder string, right Right) bool
}

func (a *Access) has(holder string, right Right) bool {
	if a.Has == nil {
		return right != Debug
	}
	return a.Has(holder, right)
}

// guard lets only those requests through that have the right that their route needs. A
// pattern that came into the mux past handle is refused.
func (s *server) guard(mux *routes, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, pattern := mux.mux.Handler(r)
		need, known := mux.rights[pattern]
		if pattern == "" {
			known = true // not found, or not with this method
		}
		if need == readOrDebug {
			need = Read
			if r.URL.Query().Get("debug") == "true" {
				need = Debug
			}
		}
		var p *problem
		switch {
		case !known:
			p = &problem{Status: http.StatusInternalServerError, Detail: "the route " + pattern + " has no right of its own, so nobody may use it"}
		case need == Write:
			var who registrant
			if who, p = s.identify(r); p == nil {
				r = r.WithContext(context.WithValue(r.Context(), registrantKey{}, who))
			}
		case need == Debug:
			p = s.mayDebug(r)
		case need == Read:
			p = s.mayRead(r)
		}
		if p == nil {
			next.ServeHTTP(w, r)
			return
		}
		if p.Status == http.StatusUnauthorized {
			challenge(w, "health_exporter")
		}
		s.answerProblem(w, r, p)
	})
}

// challenge asks for a token: a browser for the password of any user.
func challenge(w http.ResponseWriter, realm string) {
	w.Header().Add("WWW-Authenticate", fmt.Sprintf(`Basic realm=%q, charset="UTF-8"`, realm))
	w.Header().Add("WWW-Authenticate", fmt.Sprintf(`Bearer realm=%q`, realm))
}

func (s *server) mayRead(r *http.Request) *problem {
	access := &s.Settings().Access
	if access.Read != "token" {
		return nil
	}
	return s.needToken(r, "access.read", Read)
}

// mayDebug never lets anybody through who may not even read, unless he is on this
// very host and that is enough.
func (s *server) mayDebug(r *http.Request) *problem {
	access := &s.Settings().Access
	switch {
	case access.Debug == "token":
		return s.needToken(r, "access.debug", Debug)
	case access.Debug == "local":
		if isLocal(remoteAddr(r)) && !forwarded(r) {
			return nil
		}
		return s.needToken(r, "access.debug", Debug)
	case access.Read == "token":
		return s.needToken(r, "access.read", Read, Debug)
	}
	return nil
}

// seesAll reports of a target whether a request may see what may be secret in its place:
// one from this very host may, unless debugging needs a token, and one with a token that
// may debug, or that the target was registered with.
func (s *server) seesAll(r *http.Request) func(*prober.Target) bool {
	settings := s.Settings()
	secret, _ := secretOf(r)
	holder, known := settings.Registration.Bearer(secret)
	known = known && secret != ""
	all := known && settings.Access.has(holder, Debug) ||
		settings.Access.Debug != "token" && isLocal(remoteAddr(r)) && !forwarded(r)
	return func(t *prober.Target) bool {
		return all || known && t.Source.Stored() && t.Owner == "token:"+holder
	}
}

// needToken wants a token with one of the rights.
func (s *server) needToken(r *http.Request, setting string, anyOf ...Right) *problem {
	settings := s.Settings()
	secret, _ := secretOf(r)
	holder, known := settings.Registration.Bearer(secret)
	if secret == "" || !known {
		return &problem{Status: http.StatusUnauthorized, Detail: fmt.Sprintf(
			"a token with the right %q is needed (%s), as bearer token or as password of any user", anyOf[0], setting)}
	}
	for _, right := range anyOf {
		if settings.Access.has(holder, right) {
			return nil
		}
	}
	return lacks(holder, anyOf[0])
}

func lacks(holder string, right Right) *problem {
	return &problem{
		Status: http.StatusForbidden,
		Detail: fmt.Sprintf("the token %q has not the right %q (registration.tokens.rights)", holder, right),
	}
}

// secretOf is the token of a request, as bearer token or as password of any user;
// bearer tells which. It is empty if there is none.
func secretOf(r *http.Request) (secret string, bearer bool) {
	if secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return strings.TrimSpace(secret), true
	}
	_, password, _ := r.BasicAuth()
	return password, false
}

// forwarded tells whether a proxy has passed the request on, so that its address
// is not that of who asks.
func forwarded(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip"} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return false
}
