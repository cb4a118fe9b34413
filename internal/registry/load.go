package registry

import (
	"fmt"

	"github.com/health-exporter/health_exporter/prober"
)

// Load keeps targets as they once were: with their owners, their times of
// registration and operators' pauses, in place of those of the same names. It is
// all or nothing, and one write to the disk.
func (r *Registry) Load(targets []prober.Target) error {
	records := make([]prober.Target, len(targets))
	for i, t := range targets {
		t.Source, t.Paused, t.MailAllowed = prober.SourceAPI, false, false
		if err := storable(t); err != nil {
			return err
		}
		records[i] = *withOrigin(&t)
	}
	err := r.write(func(b *batch) error {
		for i, t := range records {
			k := key{prober.SourceAPI, t.App}
			old := b.target(k)
			if next := renew(old, t, prober.SourceAPI); next != old {
				b.set(k, next)
			}
			if targets[i].Paused {
				b.pause(t.App, new(true))
			} else {
				b.pause(t.App, nil)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("loading %d targets: %w", len(targets), err)
	}
	return nil
}
