package registry

import (
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/health-exporter/health_exporter/internal/durable"
)

// examine reads a file of ours without changing it, and trusts nothing in it.
//
//	contents, no faults      it is sound
//	contents, faults         sound but for these; records that are not are left out
//	a *durable.DamageError   nothing in it can be relied on
//	another error            something else is in the way: rights, a lock, a newer program
//
// beside looks at what others have in it.
func examine(path string, timeout time.Duration, beside func(*bolt.Tx) []string) (c *contents, faults []string, err error) {
	var own []string
	faults, err = durable.Read(path, durable.ReadOptions{Timeout: timeout}, func(tx *bolt.Tx) (err error) {
		if c, own, err = readContents(tx); err == nil {
			own = append(own, beside(tx)...)
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return c, append(faults, own...), nil
}

func (s *store) examine(path string) (c *contents, faults []string, err error) {
	return examine(path, s.timeout, s.journal.Examine)
}
