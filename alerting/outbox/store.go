package outbox

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/internal/durable"
)

// entry is one thing to tell to one recipient.
type entry struct {
	Seq    uint64          `json:"-"`
	To     string          `json:"to"`
	Notice alerting.Notice `json:"notice"`
	// Batch is another number than 0 if it may have been told, with others of the same
	// number: it is told with them again.
	Batch uint64 `json:"batch,omitempty"`
}

// store keeps what is to be told, and what has been, on disk.
type store struct {
	path   string
	log    *slog.Logger
	damage atomic.Pointer[string] // what was wrong with the file; nil for nothing
	failed atomic.Pointer[string] // why the last write failed; nil if it did not

	mu      sync.Mutex  // protects all following fields
	db      *durable.DB // nil keeps it in memory only
	retryAt time.Time   // when a file that cannot be written is opened again
}

var (
	queueBucket    = []byte("queue")
	memoryBucket   = []byte("memory")
	metaBucket     = []byte("meta")
	keptBucket     = []byte("kept")
	cursorKey      = []byte("cursor")
	errOtherLayout = &durable.DamageError{What: "it was not written by this program"}
)

const (
	// storeFile is the name of the file in the storage directory.
	storeFile = "outbox.db"
	// keptDamaged is how many damaged files are kept.
	keptDamaged = 3
	// retryAfter is how long a file that could not be written is left alone.
	retryAfter = 10 * time.Second
)

func (s *store) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		return nil
	}
	return s.db.Close()
}

// persistent reports whether there is a file.
func (s *store) persistent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.db != nil
}

// update makes all changes or none. When it returns without error they are on disk. A file
// that could not be written, or is gone, is checked and opened again when it is time.
func (s *store) update(change func(*bbolt.Tx) error) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		if s.failed.Store(nil); err != nil {
			s.failed.Store(new(err.Error()))
		}
	}()
	if (s.db.Broken() != nil || s.db.Replaced()) && !time.Now().Before(s.retryAt) {
		s.retryAt = time.Now().Add(retryAfter)
		broken := s.db
		_ = broken.Close()
		if err := s.open(); err != nil {
			s.db = broken
			return fmt.Errorf("writing the outbox: %w", err)
		}
	}
	if err := s.db.Update(change); err != nil {
		return fmt.Errorf("writing the outbox: %w", err)
	}
	return nil
}

// view reads.
func (s *store) view(read func(*bbolt.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.db.View(read); err != nil {
		return fmt.Errorf("reading the outbox: %w", err)
	}
	return nil
}

// load reads everything.
func (s *store) load() (found stored, err error) {
	err = s.view(func(tx *bbolt.Tx) (err error) {
		found, err = contents(tx)
		return err
	})
	return found, err
}

// write makes all changes, one after another, or none. When it returns without error they
// are on disk.
func (s *store) write(list ...*changes) error {
	if !s.persistent() || !slices.ContainsFunc(list, func(c *changes) bool { return !c.empty() }) {
		return nil
	}
	return s.update(func(tx *bbolt.Tx) error {
		for _, c := range list {
			if err := c.apply(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

// apply makes the changes.
func (c *changes) apply(tx *bbolt.Tx) error {
	queue, known := tx.Bucket(queueBucket), tx.Bucket(memoryBucket)
	for _, seq := range c.drop {
		if err := queue.Delete(seqKey(seq)); err != nil {
			return err
		}
	}
	for i := range c.add {
		if err := putJSON(queue, seqKey(c.add[i].Seq), &c.add[i]); err != nil {
			return err
		}
	}
	for key, m := range c.remember {
		if err := putJSON(known, []byte(key), m); err != nil {
			return err
		}
	}
	for key := range c.forget {
		if err := known.Delete([]byte(key)); err != nil {
			return err
		}
	}
	if c.cursor == nil {
		return nil
	}
	return putJSON(tx.Bucket(metaBucket), cursorKey, c.cursor)
}

func seqKey(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

func putJSON(b *bbolt.Bucket, key []byte, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return b.Put(key, text)
}

// kept reads what was given to keep.
func (s *store) kept() (map[string][]byte, error) {
	all := map[string][]byte{}
	if !s.persistent() {
		return all, nil
	}
	err := s.view(func(tx *bbolt.Tx) error {
		return tx.Bucket(keptBucket).ForEach(func(k, v []byte) error {
			all[string(k)] = slices.Clone(v)
			return nil
		})
	})
	return all, err
}

// keep keeps values by key; nil forgets one.
func (s *store) keep(values map[string][]byte) error {
	if !s.persistent() || len(values) == 0 {
		return nil
	}
	return s.update(func(tx *bbolt.Tx) error {
		bucket := tx.Bucket(keptBucket)
		for key, value := range values {
			if value == nil {
				if err := bucket.Delete([]byte(key)); err != nil {
					return err
				}
			} else if err := bucket.Put([]byte(key), value); err != nil {
				return err
			}
		}
		return nil
	})
}
