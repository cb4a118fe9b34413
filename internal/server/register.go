package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/health-exporter/health_exporter/client/api"
	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/internal/server/access"
	"github.com/health-exporter/health_exporter/prober"
)

var (
	// errDryRun keeps a registration from being stored that could be.
	errDryRun = errors.New("only asked whether it could be")
	// errSame keeps one from being stored that says nothing new, and whose owner may have
	// another address by now.
	errSame = errors.New("it is registered already")
)

// Registry has the targets that are wanted, from whatever source, and keeps those that
// are registered.
type Registry interface {
	Targets() []*prober.Target
	Target(app string) (*prober.Target, bool)
	// PutIf registers a target unless check says that it must not be. The old one is nil if
	// there is none.
	PutIf(t prober.Target, check func(old *prober.Target, held registry.Held) error) (created bool, err error)
	// Remove reports whether there was one.
	Remove(source prober.Source, app string) (bool, error)
	SetPaused(app string, paused bool) error
	Leases
}

// register stores a valid target, if its owner may.
func (s *server) register(w http.ResponseWriter, r *http.Request, t prober.Target) {
	old, known := s.Registry.Target(t.App)
	if known && !old.Source.Stored() {
		refuse(w, http.StatusConflict, fmt.Sprintf("the target %q comes from %s and can only be changed there", t.App, old.Source))
		return
	}
	id := requester(r)
	t.Source, t.Owner, t.From = prober.SourceAPI, id.Owner(), id.From()
	dryRun := queryOf(r).Get("dry_run") == "true"
	created, err := s.Registry.PutIf(t, func(old *prober.Target, held registry.Held) error {
		err := s.mayPut(id, old, &t, held)
		switch {
		case err != nil:
			return err
		case held.Circle != nil && (old == nil || !slices.Equal(old.DependsOn, t.DependsOn)):
			return &problemError{problem{Status: http.StatusBadRequest, Title: "Invalid target", Errors: []api.Fault{
				{Field: "depends_on", Detail: held.Circle.Error()},
			}}}
		case dryRun:
			return errDryRun
		}
		return nil
	})
	switch {
	case errors.Is(err, errDryRun), errors.Is(err, errSame) && dryRun:
		s.answer(w, http.StatusOK, &t, true, s.warnings(&t)) // he has said it himself
		return
	case errors.Is(err, errSame):
		err = s.renewed(t.App)
	case err == nil && known && old.Paused:
		err = s.Registry.SetPaused(t.App, false) // who registers wants to be probed
	}
	if err != nil {
		problemOf(err).write(w)
		return
	}
	stored, ok := s.Registry.Target(t.App)
	if !ok {
		refuse(w, http.StatusConflict, fmt.Sprintf("the target %q was removed meanwhile", t.App))
		return
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
		w.Header().Set("Location", s.prefix()+"api/v1/targets/"+url.PathEscape(t.App))
		s.Log.Info("target registered", "target", t.App, "place", collector.PublicPlace(t.Place()), "owner", t.Owner, "from", t.From)
	}
	s.answer(w, status, stored, true, s.warnings(&t))
}

// renewed begins another term of a lease, if there is one.
func (s *server) renewed(app string) error {
	if _, err := s.Registry.Renew(app, nil); err != nil && !errors.Is(err, registry.ErrNoLease) {
		return err
	}
	return nil
}

// mayPut decides whether t may be stored in place of old (nil for a new one).
func (s *server) mayPut(id *access.Identity, old, t *prober.Target, held registry.Held) error {
	switch {
	case old == nil:
		return s.within(held)
	case owns(id, old):
		return nil
	case !keeps(id, old):
		return &problemError{*notOwner(old)}
	case old.From == prober.FromElsewhere: // of before, when addresses were not stored
		return nil
	case sayTheSame(old, t):
		return errSame
	case moved(id, old, t):
		return s.withinAddress(held)
	}
	return &problemError{problem{Status: http.StatusForbidden, Detail: fmt.Sprintf(
		"the target %q was registered from %s; from another address it can be renewed, removed, or moved to that address, but not changed otherwise: remove it, and register it anew",
		t.App, old.From)}}
}

// sayTheSame reports whether a target is registered again with nothing new.
func sayTheSame(old, t *prober.Target) bool {
	again := *t
	again.From, again.RegisteredAt, again.Paused, again.MailAllowed = old.From, old.RegisteredAt, old.Paused, old.MailAllowed
	return old.Equal(&again)
}

// within keeps one more target within the bounds. Those for whoever comes without a
// token leave room for the others, however many he brings.
func (s *server) within(held registry.Held) error {
	rules := &s.Settings().Registration
	switch {
	case held.Total >= rules.MaxTargets:
		return tooMany("there are %d targets already (registration.max_targets)", held.Total)
	case held.Owned >= rules.MaxTargetsPerOwner:
		return tooMany("you have %d targets already (registration.max_targets_per_owner)", held.Owned)
	case held.Nameless >= (rules.MaxTargets+1)/2:
		return tooMany("%d targets were registered without a token already, which is half of registration.max_targets; use a token", held.Nameless)
	}
	return s.withinAddress(held)
}

func (s *server) withinAddress(held registry.Held) error {
	if most := s.Settings().Registration.MaxTargetsPerAddress; most > 0 && held.Near >= most {
		return tooMany("%d targets were registered from your address already (registration.max_targets_per_address); use a token", held.Near)
	}
	return nil
}

func tooMany(format string, n int) error {
	return &problemError{problem{Status: http.StatusTooManyRequests, Detail: fmt.Sprintf(format, n)}}
}

// tooFast reports whether an address without a token registers more often than it may,
// and answers if so.
func (s *server) tooFast(w http.ResponseWriter, r *http.Request) bool {
	id, rules := requester(r), &s.Settings().Registration
	if id.Token != "" || id.Place == access.OwnHost {
		return false
	}
	wait := s.registering.Take(id.Client, rules.Rate, rules.Burst)
	if wait <= 0 {
		return false
	}
	w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	refuse(w, http.StatusTooManyRequests, fmt.Sprintf(
		"your address registers faster than %g a second (registration.rate, registration.burst); wait, or use a token", rules.Rate))
	return true
}
