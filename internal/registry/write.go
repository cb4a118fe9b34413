package registry

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// Put keeps a target of the source prober.SourceAPI, in place of the one of the same
// name if there is one. When it returns without error the target is on disk.
// RegisteredAt is set if zero and stays what it was on an update; MailAllowed is
// not stored. An operator's pause is not touched.
func (r *Registry) Put(t prober.Target) (created bool, err error) {
	return r.PutIf(t, nil)
}

// PutIf is Put if check agrees; its error is returned as it is. Check sees the
// record of the same source (nil if there is none), and how many there are; no
// other change comes between it and the Put. It must not change the registry itself.
func (r *Registry) PutIf(t prober.Target, check func(old *prober.Target, held Held) error) (created bool, err error) {
	if err := storable(t); err != nil {
		return false, err
	}
	k := key{t.Source, t.App}
	err = r.write(func(b *batch) error {
		old := b.target(k)
		if check != nil {
			held := b.held(&t)
			held.Circle = b.circle(&t)
			if err := check(old, held); err != nil {
				return err
			}
		}
		if created = old == nil; !created {
			t.RegisteredAt = old.RegisteredAt
			r.stillThere(t.App)
		}
		if next := renew(old, t, t.Source); next != old {
			b.set(k, next)
		}
		return nil
	})
	return created && err == nil, err
}

// stillThere renews the lease of a target that is put again, whatever becomes of the
// write: it shows that there is somebody. One that is about to be removed is not.
func (r *Registry) stillThere(app string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.leases.postpone(app, now)
	r.renewLocked(app)
}

// Remove drops the record of a stored source and reports whether there was one.
// An operator's pause goes too, unless another source still names the app.
func (r *Registry) Remove(source prober.Source, app string) (bool, error) {
	if !source.Stored() {
		return false, fmt.Errorf("removing %q: targets of source %q are replaced, not removed", app, source)
	}
	removed := false
	k := key{source, app}
	err := r.write(func(b *batch) error {
		if _, gone := r.Tombstone(app); gone {
			b.tombstones[app] = nil
		}
		if removed = b.target(k) != nil; removed {
			b.set(k, nil)
			if !b.elsewhere(k) {
				b.pause(app, nil)
			}
		}
		return nil
	})
	return removed && err == nil, err
}

// SetPaused is the operator's word on whether an effective target is probed. It
// outranks the Paused of every source, now and after a restart or reload, until
// it is taken back, the target is removed through Remove, or it is forgotten.
func (r *Registry) SetPaused(app string, paused bool) error {
	return r.write(func(b *batch) error {
		own, ok := b.ownPaused(app)
		switch {
		case !ok:
			return fmt.Errorf("pausing %q: %w", app, ErrNotFound)
		case !paused && !own:
			b.pause(app, nil)
		default:
			b.pause(app, &paused)
		}
		return nil
	})
}

// Save keeps the states, which may not be changed afterwards, in one
// transaction. Those that cannot be written are written with the next change, so
// nobody needs to save them again.
func (r *Registry) Save(states map[string]*schedule.Saved) error {
	if len(states) == 0 {
		return nil
	}
	r.mu.Lock()
	maps.Copy(r.saved, states)
	r.mu.Unlock()
	return r.write(func(*batch) error {
		maps.Copy(r.unsaved, states)
		return nil
	})
}

// Forget drops the saved states of apps, and the operators' pauses of those
// that are in no source.
func (r *Registry) Forget(apps []string) error {
	if len(apps) == 0 {
		return nil
	}
	r.mu.Lock()
	for _, app := range apps {
		delete(r.saved, app)
	}
	r.mu.Unlock()
	return r.write(func(b *batch) error {
		for _, app := range apps {
			r.unsaved[app] = nil
			if _, known := b.ownPaused(app); !known {
				b.pause(app, nil)
			}
		}
		return nil
	})
}

// maxName bounds what is used as a key; the API's own limit is far lower.
const maxName = 4096

// storable refuses what could not be read back: a record that is damaged from
// the start would be reported as damage of the disk.
func storable(t prober.Target) error {
	switch {
	case !t.Source.Stored():
		return fmt.Errorf("storing %q: targets of source %q are not stored", t.App, t.Source)
	case t.App == "" || len(t.App) > maxName || bytes.IndexByte([]byte(t.App), 0) >= 0:
		return fmt.Errorf("storing %.40q: not a name", t.App)
	}
	t.RegisteredAt = t.RegisteredAt.Round(0)
	body, err := encodeTarget(&t)
	if err != nil {
		return fmt.Errorf("storing %q: %w", t.App, err)
	}
	back, err := decodeTarget(key{t.Source, t.App}, body)
	if err != nil {
		return fmt.Errorf("storing %q: %w", t.App, err)
	}
	if back.MailAllowed = t.MailAllowed; !back.Equal(&t) {
		return fmt.Errorf("storing %q: %w", t.App, errors.New("it would read back as something else (is its text valid UTF-8?)"))
	}
	return nil
}
