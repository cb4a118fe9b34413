package app

import (
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/journal"
	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// named gives the name of what has a state that is kept under this one.
func (r *recorded) named(kept string) (name string, ok bool) {
	if r.prefix == "" {
		return kept, !strings.HasPrefix(kept, checkPrefix)
	}
	return strings.CutPrefix(kept, r.prefix)
}

// eventsOf are what a change of the registry is, as events. mu is held.
func (c *chronicle) eventsOf(change *registry.Change) []journal.Event {
	t, e := change.New, journal.Event{Time: change.At, Kind: journal.Target, Name: change.App, To: change.State}
	switch {
	case t == nil && change.Old == nil: // a tombstone that is dropped
		e.What, e.To = journal.Forgotten, change.Buried.LastState
		return []journal.Event{e}
	case t == nil:
		e.What, e.Was = journal.Removed, c.was(change)
		if change.Gone != nil {
			e.What, e.Reason = journal.Gone, change.Gone.Why()
		}
		return []journal.Event{e}
	case change.Old == nil:
		return c.begins(change, e)
	}
	return c.changes(change, e)
}

// was is how a target was that is no more: as the schedule has it still, or as was kept.
func (c *chronicle) was(change *registry.Change) journal.Was {
	was := journal.Was{Place: change.Old.Place(), Group: change.Old.Group, Email: c.email(change.Old)}
	if change.Saved != nil {
		was.Since, was.LastHealthy = change.Saved.Since, change.Saved.LastHealthy
	}
	for i := range c.schedules {
		if c.schedules[i].kind != journal.Target {
			continue
		}
		if st, ok := c.schedules[i].scheduler.Status(change.App); ok && st.LastHealthy.After(was.LastHealthy) {
			was.LastHealthy = st.LastHealthy
		}
	}
	return was
}

// removedBefore notes that what had a state that was kept under this name has not come
// back: it was taken out while the exporter did not run. saved may be nil.
func (c *chronicle) removedBefore(kept string, saved *schedule.Saved) {
	for i := range c.schedules {
		name, ok := c.schedules[i].named(kept)
		if !ok {
			continue
		}
		e := journal.Event{Time: time.Now(), Kind: c.schedules[i].kind, Name: name, What: journal.Removed}
		if saved != nil {
			e.To, e.Place, e.Since, e.LastHealthy = saved.State.Verdict, saved.Place, saved.Since, saved.LastHealthy
		}
		c.happened(e)
	}
}

// begins are the events of a target that was not there before.
func (c *chronicle) begins(change *registry.Change, e journal.Event) []journal.Event {
	t := change.New
	_, ended := c.ended[change.App]
	switch {
	case change.Buried != nil:
		e.What, e.To = journal.Returned, health.Unknown
	case change.Known && !ended && !t.Source.Stored():
		e.What = journal.Found
	default:
		e.What, e.To = journal.Registered, health.Unknown
	}
	list := []journal.Event{e}
	if t.Paused {
		e.What = journal.Paused
		list = append(list, e)
	}
	if c.covered(t.App, t.Group) {
		e.What = journal.Maintenance
		list = append(list, e)
	}
	return list
}

// changes are the events of a target of which something else is said than before.
func (c *chronicle) changes(change *registry.Change, e journal.Event) (list []journal.Event) {
	old, t := *change.Old, change.New
	paused := old.Paused
	if old.Paused = t.Paused; !old.Equal(t) {
		e.What = journal.Changed
		list = append(list, e)
		if is := c.covered(t.App, t.Group); is != c.covered(t.App, change.Old.Group) {
			e.What = journal.MaintenanceOver
			if is {
				e.What = journal.Maintenance
			}
			list = append(list, e)
		}
	}
	switch {
	case t.Paused && !paused:
		e.What = journal.Paused
		list = append(list, e)
	case paused && !t.Paused:
		e.What, e.To = journal.Resumed, health.Unknown // what was known of it counts no longer
		list = append(list, e)
	}
	return list
}

// checksChanged are the events of another set of checks. mu must not be held.
func (c *chronicle) checksChanged(old, next *checkSet, state func(name string) health.Verdict) {
	at := time.Now()
	var list []journal.Event
	add := func(what journal.What, name string) {
		e := journal.Event{Time: at, Kind: journal.Check, Name: name, What: what, To: state(name)}
		if list = append(list, e); what == journal.Registered && c.covered(name, "") {
			e.What = journal.Maintenance
			list = append(list, e)
		}
	}
	for name := range old.byName {
		if next.byName[name] == nil {
			add(journal.Removed, name)
			c.mu.Lock()
			c.ended[checkPrefix+name] = struct{}{}
			c.mu.Unlock()
		}
	}
	for name, check := range next.byName {
		switch before := old.byName[name]; {
		case before == nil:
			add(journal.Registered, name)
		case before != check:
			add(journal.Changed, name)
		}
	}
	c.happened(list...)
}
