package server

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/prober"
)

// Leases are those of registered targets, and what became of targets that are gone
// although nobody has removed them.
type Leases interface {
	// Renew begins another term, unless check says that it must not.
	Renew(app string, check func(t *prober.Target) error) (end time.Time, err error)
	LeaseEnd(app string) (end time.Time, ok bool)
	Tombstones() []registry.Tombstone
	Tombstone(app string) (registry.Tombstone, bool)
	// RemoveTombstone reports whether there was one.
	RemoveTombstone(app string) (bool, error)
}

// renewTarget begins another term of a lease. Who asks in vain should register anew.
func (s *server) renewTarget(w http.ResponseWriter, r *http.Request) {
	app := r.PathValue("app")
	if t, ok := s.Registry.Target(app); ok && !t.Source.Stored() {
		refuse(w, http.StatusConflict, fmt.Sprintf("the target %q comes from %s and has no lease", app, t.Source))
		return
	}
	var ttl time.Duration
	end, err := s.Registry.Renew(app, func(t *prober.Target) error {
		if !keeps(requester(r), t) {
			return &problemError{*notOwner(t)}
		}
		ttl = t.TTL
		return nil
	})
	switch {
	case err == nil:
		writeJSON(w, http.StatusOK, "application/json", map[string]any{
			"app": app, "ttl": ttl.Seconds(), "lease_expires": end.UTC(),
		})
	case errors.Is(err, registry.ErrNotFound):
		detail := fmt.Sprintf("there is no target %q; register it", app)
		if tombstone, gone := s.Registry.Tombstone(app); gone {
			detail = isGone(&tombstone).Detail
		}
		refuse(w, http.StatusNotFound, detail)
	case errors.Is(err, registry.ErrNoLease):
		refuse(w, http.StatusConflict, fmt.Sprintf("the target %q has no lease: register it with a ttl", app))
	default:
		problemOf(err).write(w)
	}
}

func isGone(t *registry.Tombstone) *problem {
	return &problem{Status: http.StatusGone, Detail: fmt.Sprintf(
		"the target %q has been gone since %s: %s; register it again, or DELETE it if it is not to come back",
		t.App, t.At.Format(time.RFC3339), t.Why())}
}

// tombstoneView is a target that is gone, as the API shows it.
type tombstoneView struct {
	App       string          `json:"app"`
	Place     string          `json:"place,omitempty"`
	Group     string          `json:"group,omitempty"`
	Email     string          `json:"email,omitempty"`
	Source    prober.Source   `json:"source"`
	Owner     string          `json:"owner,omitempty"`
	Reason    registry.Reason `json:"reason"`
	Detail    string          `json:"detail"`
	Since     time.Time       `json:"since"`
	GoneAt    time.Time       `json:"gone_at"`
	LastState health.Verdict  `json:"last_state"`
}

// listTombstones lists what is gone, or a page of it.
func (s *server) listTombstones(w http.ResponseWriter, r *http.Request) {
	p := readParams(r)
	of := p.part()
	if fault := p.refused(); fault != nil {
		fault.write(w)
		return
	}
	l := list[registry.Tombstone]{
		name: "tombstones", all: slices.Values(s.Registry.Tombstones()), key: func(g registry.Tombstone) string { return g.App },
		view: func(g registry.Tombstone) any {
			return tombstoneView{
				App: g.App, Place: collector.PublicPlace(g.Place), Group: g.Group, Email: g.Email, Source: g.Source, Owner: g.Owner,
				Reason: g.Reason, Detail: g.Why(), Since: g.Since, GoneAt: g.At, LastState: g.LastState,
			}
		},
	}
	l.answer(w, r, of)
}

// deleteTombstone answers a DELETE of what is gone already, and reports whether it did.
func (s *server) deleteTombstone(w http.ResponseWriter, r *http.Request) bool {
	tombstone, gone := s.Registry.Tombstone(r.PathValue("app"))
	if !gone || !s.mayKeep(w, r, &prober.Target{App: tombstone.App, Source: tombstone.Source, Owner: tombstone.Owner, From: tombstone.From}) {
		return gone
	}
	if _, err := s.Registry.RemoveTombstone(tombstone.App); err != nil {
		problemOf(err).write(w)
		return true
	}
	s.Apply()
	s.Log.Info("tombstone removed", "target", tombstone.App, "by", requester(r).Owner())
	w.WriteHeader(http.StatusNoContent)
	return true
}
