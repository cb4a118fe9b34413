package registry

import (
	"maps"
	"os"
	"slices"
	"time"

	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

// Target is the effective target of that name.
func (r *Registry) Target(app string) (*prober.Target, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	t, ok := r.effective[app]
	return t, ok
}

// Targets is the effective set, sorted by name. Neither the slice nor what it
// points to may be changed; a pointer stays the same while the target does.
func (r *Registry) Targets() []*prober.Target {
	r.mu.RLock()
	listed := r.listed
	r.mu.RUnlock()
	if listed != nil {
		return listed
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.listedLocked()
}

func (r *Registry) listedLocked() []*prober.Target {
	if r.listed != nil {
		return r.listed
	}
	put, without := make([]*prober.Target, 0, len(r.unsorted)), []string(nil)
	for app := range r.unsorted {
		if t := r.effective[app]; t != nil {
			put = append(put, t)
		} else {
			without = append(without, app)
		}
	}
	r.unsorted = map[string]struct{}{}
	r.byName = r.byName.With(put, without)
	r.listed = r.byName.Slice()
	return r.listed
}

// Changed receives a value after the effective set has changed. One slot: many
// changes may come as one, so look at Targets again.
func (r *Registry) Changed() <-chan struct{} { return r.changed }

// Saved is what was last saved of the app; nil if nothing was.
func (r *Registry) Saved(app string) *schedule.Saved {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.saved[app]
}

// Remembered are the names of which there is a saved state, or an operator's pause,
// whether there is such a target or not.
func (r *Registry) Remembered() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	names := slices.Collect(maps.Keys(r.saved))
	for app := range r.pauses {
		if r.saved[app] == nil {
			names = append(names, app)
		}
	}
	return names
}

// Stats are the Registry's own figures.
type Stats struct {
	// Targets counts the effective targets by source.
	Targets map[prober.Source]int
	// Shadowed counts the records that wait behind one of higher precedence.
	Shadowed int
	// Changes counts the changes of records and pauses since Open.
	Changes uint64
	// Errors counts the writes that failed, backups among them.
	Errors uint64
	// DiskFailed says that the last attempt to write failed.
	DiskFailed bool
	// Recovered says that Open found damage and put back what it could.
	Recovered bool
	// Damage says what Open found and put right, and what is lost; empty for nothing.
	Damage string
	// Persistent says that there is a storage directory.
	Persistent bool
	// LastBackup is when the newest backup was made; zero if there is none.
	LastBackup time.Time
	// Bytes is the size of registry.db.
	Bytes int64
}

// Stats never waits for the disk to finish a write.
func (r *Registry) Stats() Stats {
	r.mu.RLock()
	s := r.stats
	s.Targets = maps.Clone(s.Targets)
	for _, records := range r.sources {
		s.Shadowed += len(records)
	}
	s.Shadowed -= len(r.effective)
	r.mu.RUnlock()
	if r.store != nil {
		if info, err := os.Stat(r.store.path(fileDB)); err == nil {
			s.Bytes = info.Size()
		}
	}
	return s
}
