package outbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/health-exporter/health_exporter/alerting"
)

// entry is one thing to tell to one recipient.
type entry struct {
	Seq    uint64          `json:"-"`
	To     string          `json:"to"`
	Notice alerting.Notice `json:"notice"`
}

// store keeps what is to be told, and what has been, on disk.
type store struct {
	db      *bbolt.DB // nil keeps it in memory only
	created time.Time // what happened before is not told
}

var (
	queueBucket    = []byte("queue")
	memoryBucket   = []byte("memory")
	metaBucket     = []byte("meta")
	keptBucket     = []byte("kept")
	createdKey     = []byte("created")
	errOtherLayout = errors.New("it is none of ours")
	errPanicked    = errors.New("reading it panicked")
)

// storeFile is the name of the file in the storage directory.
const storeFile = "outbox.db"

// openStore opens the file in a directory and reads it. One that is damaged is moved
// aside, and a new one begun: then nobody is told what happened before.
func openStore(dir string, log *slog.Logger) (s *store, queue []entry, known map[string]alerting.Memory, err error) {
	if dir == "" {
		return &store{created: time.Now()}, nil, map[string]alerting.Memory{}, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, nil, fmt.Errorf("opening the outbox: %w", err)
	}
	path := filepath.Join(dir, storeFile)
	s, queue, known, err = tryStore(path)
	if err == nil {
		return s, queue, known, nil
	}
	switch {
	case errors.Is(err, bolterrors.ErrTimeout), errors.Is(err, os.ErrPermission):
		return nil, nil, nil, fmt.Errorf("opening the outbox %s: %w", path, err)
	case !isDamage(err): // such as a full disk
		log.Error("the outbox cannot be used: what is to be told is kept in memory, and lost with the next restart", "file", path, "err", err)
		return &store{created: time.Now()}, nil, map[string]alerting.Memory{}, nil
	}
	log.Error("the outbox is damaged: it is moved aside, and changes that were not told yet are lost", "file", path, "err", err)
	if err := os.Rename(path, path+".damaged"); err != nil {
		return nil, nil, nil, fmt.Errorf("moving the damaged outbox aside: %w", err)
	}
	if s, queue, known, err = tryStore(path); err != nil {
		return nil, nil, nil, fmt.Errorf("opening a new outbox: %w", err)
	}
	return s, queue, known, nil
}

// isDamage tells what no other attempt will mend.
func isDamage(err error) bool {
	for _, damage := range []error{
		bolterrors.ErrInvalid, bolterrors.ErrVersionMismatch, bolterrors.ErrChecksum, bolterrors.ErrInvalidMapping, errOtherLayout, errPanicked,
	} {
		if errors.Is(err, damage) {
			return true
		}
	}
	return false
}

// tryStore opens or makes a file. bbolt panics on some kinds of damage.
func tryStore(path string) (s *store, queue []entry, known map[string]alerting.Memory, err error) {
	var db *bbolt.DB
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %v", errPanicked, v)
		}
		if err != nil && db != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return nil, nil, nil, err
	}
	s = &store{db: db}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{queueBucket, memoryBucket, metaBucket, keptBucket} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		meta := tx.Bucket(metaBucket)
		if text := meta.Get(createdKey); text != nil {
			return s.created.UnmarshalText(text)
		}
		s.created = time.Now()
		text, err := s.created.MarshalText()
		if err != nil {
			return err
		}
		return meta.Put(createdKey, text)
	})
	if err == nil {
		queue, known, err = s.load()
	}
	return s, queue, known, err
}

func (s *store) close() error {
	if s.db == nil {
		return nil
	}
	return s.db.Close()
}

// load reads everything.
func (s *store) load() (queue []entry, known map[string]alerting.Memory, err error) {
	known = map[string]alerting.Memory{}
	if s.db == nil {
		return nil, known, nil
	}
	err = s.db.View(func(tx *bbolt.Tx) error {
		if err := tx.Bucket(queueBucket).ForEach(func(k, v []byte) error {
			var e entry
			if len(k) != 8 || json.Unmarshal(v, &e) != nil {
				return errOtherLayout
			}
			e.Seq = binary.BigEndian.Uint64(k)
			queue = append(queue, e)
			return nil
		}); err != nil {
			return err
		}
		return tx.Bucket(memoryBucket).ForEach(func(k, v []byte) error {
			var m alerting.Memory
			if json.Unmarshal(v, &m) != nil {
				return errOtherLayout
			}
			known[string(k)] = m
			return nil
		})
	})
	if err != nil {
		return nil, nil, fmt.Errorf("reading the outbox: %w", err)
	}
	return queue, known, nil
}

// write makes all changes or none. When it returns without error they are on disk.
func (s *store) write(c *changes) error {
	if s.db == nil || c.empty() {
		return nil
	}
	err := s.db.Update(func(tx *bbolt.Tx) error {
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
		for _, key := range c.forget {
			if err := known.Delete([]byte(key)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("writing the outbox: %w", err)
	}
	return nil
}

func seqKey(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

func putJSON(b *bbolt.Bucket, key []byte, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return b.Put(key, text)
}

// changes are what is written together.
type changes struct {
	add      []entry
	drop     []uint64
	remember map[string]alerting.Memory
	forget   []string
}

func (c *changes) empty() bool {
	return len(c.add) == 0 && len(c.drop) == 0 && len(c.remember) == 0 && len(c.forget) == 0
}

// kept reads what was given to keep.
func (s *store) kept() (map[string][]byte, error) {
	all := map[string][]byte{}
	if s.db == nil {
		return all, nil
	}
	err := s.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(keptBucket).ForEach(func(k, v []byte) error {
			all[string(k)] = slices.Clone(v)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("reading the outbox: %w", err)
	}
	return all, nil
}

// keep keeps values by key; nil forgets one.
func (s *store) keep(values map[string][]byte) error {
	if s.db == nil || len(values) == 0 {
		return nil
	}
	err := s.db.Update(func(tx *bbolt.Tx) error {
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
	if err != nil {
		return fmt.Errorf("writing the outbox: %w", err)
	}
	return nil
}
