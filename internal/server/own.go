package server

import (
	"fmt"
	"net/http"

	"github.com/health-exporter/health_exporter/internal/server/access"
	"github.com/health-exporter/health_exporter/prober"
)

// owns reports whether somebody may pause, resume and probe a target: what he has
// registered himself, and with the right admin everything.
func owns(id *access.Identity, t *prober.Target) bool {
	return t.Source.Stored() && id.Registered(t.Owner, t.From) && id.May(access.Write) || id.May(access.Admin)
}

// keeps reports whether somebody may renew and remove a target: who owns it, and who
// may be its owner under another address.
func keeps(id *access.Identity, t *prober.Target) bool {
	return t.Source.Stored() && id.Resembles(t.Owner, t.From) && id.May(access.Write) || id.May(access.Admin)
}

func notOwner(t *prober.Target) *problem {
	const admin = `a token with the right "admin" (registration.tokens.rights), or a request from the exporter's own host`
	if !t.Source.Stored() {
		return &problem{Status: http.StatusForbidden, Detail: fmt.Sprintf("the target %q comes from %s; changing it needs %s", t.App, t.Source, admin)}
	}
	return &problem{Status: http.StatusForbidden, Detail: fmt.Sprintf("the target %q was registered by somebody else; "+
		"use the token, or the address, that it was registered with, or %s", t.App, admin)}
}

// mayChange reports whether the requester owns a target, and answers if not.
func (s *server) mayChange(w http.ResponseWriter, r *http.Request, t *prober.Target) bool {
	return allowed(w, owns(requester(r), t), t)
}

// mayKeep is mayChange for what whoever may be the owner may do.
func (s *server) mayKeep(w http.ResponseWriter, r *http.Request, t *prober.Target) bool {
	return allowed(w, keeps(requester(r), t), t)
}

func allowed(w http.ResponseWriter, ok bool, t *prober.Target) bool {
	if !ok {
		notOwner(t).write(w)
	}
	return ok
}

// seesAll reports of a target whether a request may see what may be secret in its place:
// one from this very host may, unless debugging needs a token, and one with a token that
// may debug, or that the target was registered with.
func (s *server) seesAll(r *http.Request) func(*prober.Target) bool {
	id := requester(r)
	all := id.Holds(access.Debug) || s.Settings().Access.Debug != "token" && id.Place == access.OwnHost
	return func(t *prober.Target) bool {
		return all || id.Token != "" && t.Source.Stored() && id.Registered(t.Owner, t.From)
	}
}
