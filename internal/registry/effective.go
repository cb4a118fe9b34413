package registry

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/prober"
)

// key is one record: what one source says of one app.
type key struct {
	source prober.Source
	app    string
}

func compareKeys(a, b key) int {
	return cmp.Or(cmp.Compare(a.source, b.source), strings.Compare(a.app, b.app))
}

// Replace makes the targets all that the source knows. It is for sources that
// are found again after each start, not for what is stored. Of two targets with one name
// the first counts. What a source drops leaves a tombstone if that was nobody's
// wish; see Retire.
func (r *Registry) Replace(source prober.Source, targets []prober.Target) {
	r.replace(source, targets, buryReason(source))
}

func (r *Registry) replace(source prober.Source, targets []prober.Target, why Reason) {
	if source.Stored() || source == "" {
		r.log.Error("targets of a source that cannot be replaced are ignored", "source", source, "targets", len(targets))
		return
	}
	r.mu.Lock()
	done := r.replaceLocked(source, r.withoutCirclesLocked(source, targets), why)
	r.mu.Unlock()
	if len(done.changed)+len(done.happened) > 0 {
		_ = r.write(func(b *batch) error { // it counts already; noteWrite logs if the disk fails
			for _, c := range done.happened {
				b.change(c)
			}
			for _, app := range done.changed {
				r.unsavedTombstones[app] = true
			}
			return nil
		})
	}
	r.noteGone(done.gone)
}

// replaced is what came of a replacement.
type replaced struct {
	changed  []string     // apps whose tombstones have changed
	gone     []*Tombstone // those that are new
	happened []Change     // of targets, by name, and of tombstones that were dropped
}

func (r *Registry) replaceLocked(source prober.Source, targets []prober.Target, why Reason) (done replaced) {
	old := r.sources[source]
	next := make(map[string]*prober.Target, len(targets))
	for _, t := range targets {
		if next[t.App] == nil {
			next[t.App] = renew(old[t.App], t, source)
		}
	}
	r.sources[source] = next
	if len(next) == 0 {
		delete(r.sources, source)
	}
	r.sortSourcesLocked()
	at := now()
	for app, t := range old {
		was := r.effective[app]
		if !r.resolveLocked(app) {
			continue
		}
		c := r.changeLocked(app, was, r.effective[app], at)
		if why != "" && next[app] == nil && r.effective[app] == nil {
			c.Gone = r.newTombstoneLocked(t, why, at, at)
			r.entombLocked(app, c.Gone)
			done.changed, done.gone = append(done.changed, app), append(done.gone, c.Gone)
		}
		done.happened = append(done.happened, c)
	}
	for app := range next {
		was, buried := r.effective[app], r.tombstones[app]
		if r.resolveLocked(app) {
			c := r.changeLocked(app, was, r.effective[app], at)
			c.Buried = buried
			done.happened = append(done.happened, c)
		}
		if buried != nil {
			r.entombLocked(app, nil)
			done.changed = append(done.changed, app)
		}
	}
	slices.SortStableFunc(done.happened, func(a, b Change) int { return strings.Compare(a.App, b.App) })
	if len(done.happened) > 0 {
		r.stats.Changes++
		r.signal()
	}
	for _, app := range overdue(r.tombstones, at) {
		c := r.changeLocked(app, nil, nil, at)
		c.Buried = r.tombstones[app]
		r.entombLocked(app, nil)
		done.changed, done.happened = append(done.changed, app), append(done.happened, c)
	}
	if len(done.gone) > 0 {
		r.wakeExpiry()
	}
	return done
}

// renew is the record of t after old (nil if there was none): the same pointer
// if nothing is new.
func renew(old *prober.Target, t prober.Target, source prober.Source) *prober.Target {
	t.Source = source
	switch {
	case !t.RegisteredAt.IsZero():
		t.RegisteredAt = t.RegisteredAt.Round(0)
	case old != nil:
		t.RegisteredAt = old.RegisteredAt
	default:
		t.RegisteredAt = now()
	}
	if old != nil && old.Equal(&t) {
		return old
	}
	return &t
}

// setLocked puts one record in the place of another; nil removes it. The
// effective set is left to resolveLocked.
func (r *Registry) setLocked(k key, t *prober.Target) {
	records := r.sources[k.source]
	if old := records[k.app]; old != nil && k.source.Stored() {
		r.owned.add(old, -1)
	}
	if t == nil {
		delete(records, k.app)
		return
	}
	if records == nil {
		records = map[string]*prober.Target{}
		r.sources[k.source] = records
		r.sortSourcesLocked()
	}
	records[k.app] = t
	if k.source.Stored() {
		r.owned.add(t, 1)
	}
}

func (r *Registry) sortSourcesLocked() {
	r.order = r.order[:0]
	for source := range r.sources {
		r.order = append(r.order, source)
	}
	slices.SortFunc(r.order, prober.Source.Compare)
}

// resolveLocked decides anew which record of the app is effective and tells
// whether that differs from before.
func (r *Registry) resolveLocked(app string) bool {
	old, next := r.effective[app], r.winnerLocked(app)
	if next != nil {
		if paused, ok := r.pauses[app]; ok && paused != next.Paused {
			other := *next
			other.Paused = paused
			next = &other
		}
	}
	if old == nil && next == nil || old != nil && next != nil && old.Equal(next) {
		return false
	}
	if old != nil {
		if r.stats.Targets[old.Source]--; r.stats.Targets[old.Source] == 0 {
			delete(r.stats.Targets, old.Source)
		}
		delete(r.effective, app)
	}
	if next != nil {
		r.stats.Targets[next.Source]++
		r.effective[app] = next
	}
	r.listed = nil
	r.unsorted[app] = struct{}{}
	r.news.note(app, len(r.effective))
	return true
}

func (r *Registry) winnerLocked(app string) *prober.Target {
	for _, source := range r.order {
		if t := r.sources[source][app]; t != nil {
			return t
		}
	}
	return nil
}

// elsewhereLocked reports whether a source other than the key's names the app.
func (r *Registry) elsewhereLocked(k key) bool {
	for _, source := range r.order {
		if source != k.source && r.sources[source][k.app] != nil {
			return true
		}
	}
	return false
}

func (r *Registry) signal() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// now is the time as the disk gives it back: UTC, no monotonic clock.
func now() time.Time { return time.Now().UTC().Round(0) }
