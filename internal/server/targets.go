package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/health-exporter/health_exporter/client/api"
	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

func (s *server) getTarget(w http.ResponseWriter, r *http.Request) {
	if t := s.find(w, r); t != nil {
		s.answer(w, http.StatusOK, t, s.seesAll(r)(t), nil)
	}
}

// find returns the target that the path names, or answers 404; or 410 if it is gone.
func (s *server) find(w http.ResponseWriter, r *http.Request) *prober.Target {
	app := r.PathValue("app")
	t, ok := s.Registry.Target(app)
	if !ok {
		if tombstone, gone := s.Registry.Tombstone(app); gone {
			isGone(&tombstone).write(w)
			return nil
		}
		refuse(w, http.StatusNotFound, fmt.Sprintf("there is no target %q", app))
		return nil
	}
	return t
}

func (s *server) answer(w http.ResponseWriter, status int, t *prober.Target, seesAll bool, warnings []api.Fault) {
	st, _ := s.Scheduler.Status(t.App)
	v := s.view(t, st, seesAll)
	if v.LastCheck != nil { // of this place
		v.LastResponse = shownResponse(st.Response)
	}
	v.Warnings, v.Maintenance = warnings, s.Maintenance.Covering(time.Now())(t.App, t.Group)
	writeJSON(w, status, "application/json", v)
}

func (s *server) createTarget(w http.ResponseWriter, r *http.Request) {
	if s.tooFast(w, r) {
		return
	}
	t, p := s.readRegistration(w, r, "")
	if p != nil {
		p.write(w)
		return
	}
	s.register(w, r, t)
}

// putTarget takes the name from the path; the body may repeat it.
func (s *server) putTarget(w http.ResponseWriter, r *http.Request) {
	if s.tooFast(w, r) {
		return
	}
	t, p := s.readRegistration(w, r, r.PathValue("app"))
	if p != nil {
		p.write(w)
		return
	}
	s.register(w, r, t)
}

func (s *server) warnings(t *prober.Target) []api.Fault {
	if t.Email == "" || s.Settings().Registration.AllowsEmail(t.Email) {
		return nil
	}
	return []api.Fault{{Field: "email", Detail: fmt.Sprintf("%q is stored but will not be mailed: "+
		"it does not match registration.allowed_emails of the exporter's configuration", t.Email)}}
}

// problemError carries a problem through code that returns errors.
type problemError struct{ problem }

func (e *problemError) Error() string { return e.Detail }

func problemOf(err error) *problem {
	if p, ok := errors.AsType[*problemError](err); ok {
		return &p.problem
	}
	if errors.Is(err, registry.ErrStorage) {
		return &problem{
			Status: http.StatusInsufficientStorage,
			Detail: "the registration could not be stored and is not in force: " + err.Error(),
		}
	}
	return &problem{Status: http.StatusInternalServerError, Detail: err.Error()}
}

func (s *server) deleteTarget(w http.ResponseWriter, r *http.Request) {
	if _, known := s.Registry.Target(r.PathValue("app")); !known && s.deleteTombstone(w, r) {
		return
	}
	t := s.find(w, r)
	if t == nil || !s.mayKeep(w, r, t) {
		return
	}
	if p := s.remove(t); p != nil {
		p.write(w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// remove takes a target off; its series are gone when that returns.
func (s *server) remove(t *prober.Target) *problem {
	if !t.Source.Stored() {
		return &problem{Status: http.StatusConflict, Detail: fmt.Sprintf("the target %q comes from %s and can only be removed there", t.App, t.Source)}
	}
	if _, err := s.Registry.Remove(prober.SourceAPI, t.App); err != nil {
		return problemOf(err)
	}
	s.Apply()
	s.Log.Info("target unregistered", "target", t.App, "owner", t.Owner)
	return nil
}

func (s *server) pauseTarget(w http.ResponseWriter, r *http.Request)  { s.setPaused(w, r, true) }
func (s *server) resumeTarget(w http.ResponseWriter, r *http.Request) { s.setPaused(w, r, false) }

func (s *server) setPaused(w http.ResponseWriter, r *http.Request, paused bool) {
	t := s.find(w, r)
	if t == nil || !s.mayChange(w, r, t) {
		return
	}
	if p := s.pause(t, paused); p != nil {
		p.write(w)
		return
	}
	if t = s.find(w, r); t != nil {
		s.answer(w, http.StatusOK, t, s.seesAll(r)(t), nil)
	}
}

// pause keeps a target from being probed, or ends that.
func (s *server) pause(t *prober.Target, paused bool) *problem {
	if t.Paused == paused {
		return nil
	}
	if err := s.Registry.SetPaused(t.App, paused); err != nil {
		return problemOf(err)
	}
	s.Apply()
	s.Log.Info("target paused or resumed", "target", t.App, "paused", paused)
	return nil
}

func (s *server) probeTarget(w http.ResponseWriter, r *http.Request) {
	t := s.find(w, r)
	if t == nil || !s.mayChange(w, r, t) {
		return
	}
	if _, known := s.Scheduler.Status(t.App); !known {
		s.Apply()
	}
	entry, p := probeNow(r.Context(), s.Scheduler, t.App)
	if p != nil {
		p.write(w)
		return
	}
	writeJSON(w, http.StatusOK, "application/json", viewEntry(entry, mayDebug(r)))
}

// probeNow makes a probe that counts.
func probeNow(ctx context.Context, of Schedule, app string) (schedule.Entry, *problem) {
	entry, err := of.ProbeNow(ctx, app)
	switch {
	case err == nil:
		return entry, nil
	case errors.Is(err, schedule.ErrUnknownTarget):
		return entry, &problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("there is no target %q", app)}
	case errors.Is(err, schedule.ErrBusy):
		return entry, &problem{Status: http.StatusServiceUnavailable, Detail: err.Error()}
	}
	why := err.Error()
	if st, known := of.Status(app); known && errors.Is(err, schedule.ErrNotProbing) {
		switch {
		case st.Target.Paused:
			why = "it is paused; resume it first"
		case st.Problem != "":
			why = st.Problem
		}
	}
	return entry, &problem{Status: http.StatusConflict, Detail: fmt.Sprintf("the target %q was not probed: %s", app, why)}
}
