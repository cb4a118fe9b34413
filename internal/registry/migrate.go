package registry

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	bolt "go.etcd.io/bbolt"

	"github.com/health-exporter/health_exporter/internal/durable"
)

// migrate makes the file of an older program one of ours. From then on the older one
// refuses it, so it is kept as it was, for whoever wants to go back.
func (s *store) migrate(c *contents) error {
	if c.version == 0 || c.version == schema { // it was written anew just now
		return nil
	}
	kept := s.path(fileBefore + strconv.Itoa(c.version))
	if err := s.keepBefore(kept); err != nil {
		return fmt.Errorf("keeping %s as it was before this program uses it: %w", s.path(fileDB), err)
	}
	if err := s.db.Update(func(tx *bolt.Tx) error {
		w := writer{tx: tx}
		w.json(metaSchema, schema)
		return w.err
	}); err != nil {
		return s.failure(err)
	}
	s.log.Info("storage has a new layout now, which older programs do not know; it was kept as it was before",
		"path", s.path(fileDB), "from", c.version, "to", schema, "kept", kept)
	return nil
}

// keepBefore copies the file. The copy has its name only once it is known to be good.
func (s *store) keepBefore(path string) (err error) {
	copied := s.path(fileBackup + "new")
	defer func() {
		if err != nil {
			_ = os.Remove(copied)
		}
	}()
	snapshot, err := s.db.Snapshot()
	if err != nil {
		return err
	}
	if err := snapshot.CopyTo(copied); err != nil {
		return err
	}
	if _, faults, err := s.examine(copied); err != nil || len(faults) > 0 {
		return errors.Join(err, errors.New(durable.Summary(faults)))
	}
	return durable.Rename(copied, path)
}
