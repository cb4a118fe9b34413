package registry

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// Reason says why a target is gone.
type Reason string

// The reasons.
const (
	LeaseExpired  Reason = "lease_expired" // its registration was not renewed
	NotDiscovered Reason = "not_discovered"
)

// Reasons are all of them.
func Reasons() []Reason { return []Reason{LeaseExpired, NotDiscovered} }

// Tombstone is what is left of a target that is gone although nobody has removed it.
type Tombstone struct {
	App    string        `json:"app"`
	Source prober.Source `json:"source"`
	Place  string        `json:"place,omitempty"`
	Group  string        `json:"group,omitempty"`
	// Email is who wanted to know; whether it may be mailed is for others to say.
	Email string `json:"email,omitempty"`
	// Owner is who may remove the tombstone, as he might have removed the target.
	Owner string `json:"owner,omitempty"`
	// From is from where the target was registered.
	From   string `json:"from,omitempty"`
	Reason Reason `json:"reason"`
	// Since is when the registration was last renewed, or the target last discovered.
	Since time.Time `json:"since"`
	// At is when the target was removed.
	At time.Time `json:"at"`
	// LastState is the state that it was in.
	LastState health.Verdict `json:"last_state"`
	// LastHealthy is when it was last known to be healthy; zero if it never was.
	LastHealthy time.Time `json:"last_healthy,omitzero"`
}

// Why says it in one line.
func (t *Tombstone) Why() string {
	at := t.Since.UTC().Format("2006-01-02 15:04:05 UTC")
	if t.Reason == NotDiscovered {
		return "it is no longer discovered (" + string(t.Source) + ") since " + at
	}
	return "its registration was not renewed since " + at
}

const (
	maxTombstones  = 1000
	tombstonesKept = 7 * 24 * time.Hour
)

// buryReason says why a target is gone that the source does not name any more; nothing
// if somebody has taken it out on purpose.
func buryReason(source prober.Source) Reason {
	if source.Vanishes() {
		return NotDiscovered
	}
	return ""
}

// Tombstones are those of the targets that are gone, by name. The slice may not be
// changed.
func (r *Registry) Tombstones() []Tombstone {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.goneLocked()
}

func (r *Registry) goneLocked() []Tombstone {
	if r.gone == nil {
		r.gone = make([]Tombstone, 0, len(r.tombstones))
		for _, app := range slices.Sorted(maps.Keys(r.tombstones)) {
			r.gone = append(r.gone, *r.tombstones[app])
		}
	}
	return r.gone
}

// entombLocked puts a tombstone in the place of the app's; nil removes it.
func (r *Registry) entombLocked(app string, t *Tombstone) {
	if r.gone = nil; t == nil {
		delete(r.tombstones, app)
	} else {
		r.tombstones[app] = t
	}
}

// Tombstone is that of the app, if it is gone.
func (r *Registry) Tombstone(app string) (Tombstone, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	t := r.tombstones[app]
	if t == nil {
		return Tombstone{}, false
	}
	return *t, true
}

// RemoveTombstone drops one and reports whether there was one.
func (r *Registry) RemoveTombstone(app string) (bool, error) {
	removed := false
	err := r.write(func(b *batch) error {
		if _, removed = r.Tombstone(app); removed {
			b.tombstones[app] = nil
		}
		return nil
	})
	return removed && err == nil, err
}

// Retire drops all targets of a source that is found again after each start, because the
// operator wants it no more: without tombstones.
func (r *Registry) Retire(source prober.Source) { r.replace(source, nil, "") }

// newTombstoneLocked makes the tombstone of a target; it does not put it anywhere.
func (r *Registry) newTombstoneLocked(t *prober.Target, why Reason, since, at time.Time) *Tombstone {
	tombstone := &Tombstone{
		App: t.App, Source: t.Source, Place: t.Place(), Group: t.Group, Email: t.Email, Owner: t.Owner, From: t.From,
		Reason: why, Since: since.UTC().Round(0), At: at.UTC().Round(0),
	}
	if s := r.saved[t.App]; s != nil {
		tombstone.LastState, tombstone.LastHealthy = s.State.Verdict, s.LastHealthy.UTC()
	}
	return tombstone
}

// overdue are the names of the tombstones that are to go: those that are old, and the
// oldest of those that are too many.
func overdue(tombstones map[string]*Tombstone, now time.Time) []string {
	var gone []string
	var rest []*Tombstone
	for app, t := range tombstones {
		if now.Sub(t.At) >= tombstonesKept {
			gone = append(gone, app)
		} else {
			rest = append(rest, t)
		}
	}
	if more := len(rest) - maxTombstones; more > 0 {
		slices.SortFunc(rest, func(a, b *Tombstone) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.App, b.App)) })
		for _, t := range rest[:more] {
			gone = append(gone, t.App)
		}
	}
	return gone
}

func decodeTombstone(app string, body []byte) (*Tombstone, error) {
	t := new(Tombstone)
	if err := json.Unmarshal(body, t); err != nil {
		return nil, err
	}
	if t.App != app {
		return nil, fmt.Errorf("it is the tombstone of %q", t.App)
	}
	return t, nil
}

// renewal is when a lease was renewed, as it is stored.
type renewal struct {
	At time.Time `json:"at"`
}

func decodeRenewal(body []byte) (time.Time, error) {
	var at renewal
	err := json.Unmarshal(body, &at)
	return at.At, err
}
