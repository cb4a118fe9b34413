package registry

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/health-exporter/health_exporter/internal/sorted"
	"github.com/health-exporter/health_exporter/prober"
	"github.com/health-exporter/health_exporter/prober/schedule"
)

var (
	// ErrStorage is wrapped by the error of every change that could not be made
	// durable. Nothing of such a change is visible.
	ErrStorage = errors.New("storage failed")
	// ErrNotFound is wrapped when a target is in no source.
	ErrNotFound = errors.New("no such target")

	errClosed = errors.New("the registry is closed")
)

// What Options.OnCorruption may be.
const (
	// Restore puts back the newest good backup and says so.
	Restore = "restore"
	// Fail refuses to open.
	Fail = "fail"
)

// Options say where and how a Registry keeps its records. The zero value keeps
// them in memory only.
type Options struct {
	// Path is the storage directory, made if need be; empty means memory only.
	Path string
	// Log may be nil.
	Log *slog.Logger
	// BackupEvery is the time between backups, as long as something changes, however much
	// that is: names that come and go must not push out the good backups. Default 1 h.
	BackupEvery time.Duration
	// OnCorruption says what to do about damaged storage: Restore (default) or Fail.
	OnCorruption string
	// Journal keeps what happened beside what came of it; nil for nobody.
	Journal Journal
	// LockTimeout is how long to wait for another process to let go of the
	// directory; default 3 s.
	LockTimeout time.Duration
}

// Registry is the set of targets. Its methods are safe for concurrent use.
type Registry struct {
	// Immutable.
	log     *slog.Logger
	changed chan struct{}
	stop    chan struct{}
	wake    chan struct{} // one slot: there is something new for expireLeases
	ended   sync.WaitGroup

	backupEvery time.Duration
	journal     Journal

	// queueMu guards the changes that wait to be written together.
	queueMu sync.Mutex
	queue   []*change

	// writeMu guards the way to the disk. Who holds it may take mu; not the other
	// way round. It is the only lock held during I/O, and no reader needs it.
	writeMu sync.Mutex
	store   *store                     // nil: memory only
	unsaved map[string]*schedule.Saved // states the disk does not have yet; nil: to be forgotten
	// unsavedTombstones are the apps of whose tombstones the disk may not have what memory has.
	unsavedTombstones map[string]bool
	dirty             bool // anything written since the last backup
	closed            bool

	// mu guards what readers see.
	mu         sync.RWMutex
	sources    map[prober.Source]map[string]*prober.Target // source → app → record
	circles    map[prober.Source]map[string]bool           // which of a source are left out for a circle
	order      []prober.Source                             // the sources by precedence
	owned      tally                                       // records in prober.SourceAPI
	pauses     map[string]bool                             // operators' word on Paused, by app
	saved      map[string]*schedule.Saved
	effective  map[string]*prober.Target
	byName     sorted.List[*prober.Target] // effective, but for what is in unsorted
	unsorted   map[string]struct{}         // apps that differ from what is in byName
	listed     []*prober.Target            // byName as it is shown; nil: to be made again
	news       news
	leases     leases
	tombstones map[string]*Tombstone
	gone       []Tombstone // tombstones by name; nil: to be made again
	expired    map[Reason]uint64
	stats      Stats
}

// Open reads what is stored in the directory, puts damage right if it can, and
// starts the making of backups.
func Open(o Options) (*Registry, error) {
	r := newRegistry(o)
	if o.Path == "" {
		r.ended.Go(r.expireLeases)
		return r, nil
	}
	o.Journal = r.journal
	if o.OnCorruption = cmp.Or(o.OnCorruption, Restore); o.OnCorruption != Restore && o.OnCorruption != Fail {
		return nil, fmt.Errorf("on corruption %q: must be %s or %s", o.OnCorruption, Restore, Fail)
	}
	s, found, err := openStore(o, r.log)
	if err != nil {
		return nil, fmt.Errorf("opening storage: %w", err)
	}
	r.store = s
	r.adopt(found)
	r.stats.Persistent, r.stats.Recovered, r.stats.Damage = true, s.recovered, s.damage
	r.stats.LastBackup = s.lastBackup()
	r.dirty = s.recovered
	r.ended.Go(r.maintain)
	r.ended.Go(r.expireLeases)
	return r, nil
}

func newRegistry(o Options) *Registry {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Journal == nil {
		o.Journal = nothing{}
	}
	return &Registry{
		log:               o.Log,
		journal:           o.Journal,
		changed:           make(chan struct{}, 1),
		stop:              make(chan struct{}),
		backupEvery:       cmp.Or(o.BackupEvery, time.Hour),
		wake:              make(chan struct{}, 1),
		unsaved:           map[string]*schedule.Saved{},
		unsavedTombstones: map[string]bool{},
		leases:            newLeases(),
		tombstones:        map[string]*Tombstone{},
		expired:           map[Reason]uint64{},
		sources:           map[prober.Source]map[string]*prober.Target{},
		circles:           map[prober.Source]map[string]bool{},
		owned:             tally{},
		pauses:            map[string]bool{},
		saved:             map[string]*schedule.Saved{},
		effective:         map[string]*prober.Target{},
		byName:            sorted.Of(func(t *prober.Target) string { return t.App }, nil),
		unsorted:          map[string]struct{}{},
		news:              news{all: true},
		stats:             Stats{Targets: map[prober.Source]int{}},
	}
}

// adopt takes over what was found on disk.
func (r *Registry) adopt(found *contents) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pauses, r.saved, r.tombstones = found.pauses, found.states, found.tombstones
	now := time.Now()
	for k, t := range found.targets {
		t = withOrigin(t)
		r.setLocked(k, t)
		if t.TTL > 0 { // nobody could renew while we were away: a full term
			r.leases.grant(k.app, t.TTL, earliestRenewal(t, found.renewals[k.app]), now, true)
		}
		if r.tombstones[k.app] != nil { // the one is from a backup
			r.entombLocked(k.app, nil)
			r.unsavedTombstones[k.app] = true
		}
	}
	for k := range found.targets {
		r.resolveLocked(k.app)
	}
	if len(found.targets) > 0 {
		r.signal()
	}
}

// earliestRenewal is when the lease of a target was renewed as far as is known.
func earliestRenewal(t *prober.Target, stored time.Time) time.Time {
	if stored.IsZero() {
		return t.RegisteredAt
	}
	return stored
}

// Close writes what is not on disk yet, makes a last backup if anything has
// changed, and waits for everything the Registry has started. Reading goes on to
// work; changes are refused.
func (r *Registry) Close() error {
	r.writeMu.Lock()
	if r.closed {
		r.writeMu.Unlock()
		return nil
	}
	r.closed = true
	err := r.flushLocked()
	close(r.stop)
	r.writeMu.Unlock()
	r.ended.Wait()

	if r.store == nil {
		return nil
	}
	if err == nil {
		err = r.backUp()
	}
	r.writeMu.Lock()
	defer r.writeMu.Unlock()
	if err = errors.Join(err, r.store.close()); err != nil {
		return fmt.Errorf("closing storage: %w", err)
	}
	return nil
}
