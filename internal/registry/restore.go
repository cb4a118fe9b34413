package registry

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/health-exporter/health_exporter/internal/durable"
)

// restore puts damage right: the damaged file stays under another name, and
// registry.db is made anew of what is sound in it and, for the rest, of the newest
// good backup. A record that was removed since the backup may come back so: one
// target too many is better than one that nobody watches any more.
func (s *store) restore(salvaged *contents, faults []string) (*contents, error) {
	what := durable.Summary(faults)
	backup, from, notes := s.newestBackup()
	if s.onCorruption == Fail {
		return nil, s.refuse(what, from)
	}
	c := newContents("")
	if salvaged != nil {
		c = salvaged
	}
	sound := c.counts()
	if backup != nil {
		c.add(backup)
	}
	if c.installation == "" {
		c.installation = rand.Text()
	}
	kept, err := s.rebuild(c, keptDamaged)
	if err != nil {
		return nil, fmt.Errorf("restoring from damage (%s): %w", what, err)
	}
	s.recovered = true
	log := s.log.With("path", s.path(fileDB), "damage", what, "kept", kept, "backup", from, "skipped_backups", notes,
		"salvaged_targets", sound.Targets, "targets", len(c.targets), "states", len(c.states))
	outcome := fmt.Sprintf("has been restored from %s, so what has changed since then may be lost", filepath.Base(from))
	switch {
	case backup == nil && salvaged == nil:
		outcome = "there is no good backup: nothing that was registered before is monitored any more"
	case backup == nil:
		outcome = "there is no good backup: damaged registrations are lost"
	}
	s.damage = fmt.Sprintf("%s was damaged at the start (%s), and %s", fileDB, what, outcome)
	if kept != "" {
		s.damage += "; the damaged file is kept as " + filepath.Base(kept)
	}
	switch {
	case backup == nil && salvaged == nil:
		log.Error("storage was damaged and there is no good backup: starting EMPTY; nothing registered before is monitored")
	case backup == nil:
		log.Error("storage was damaged and there is no good backup: damaged registrations are lost")
	default:
		log.Error("storage was damaged and has been restored")
	}
	return c, nil
}

func (s *store) refuse(what, backup string) error {
	advice := "there is no good backup: remove all files of the directory to start empty"
	if backup != "" {
		advice = fmt.Sprintf("copy %s over it", backup)
	}
	return fmt.Errorf("%s is damaged (%s) and the storage is set to fail on corruption: %s, or set it to restore",
		s.path(fileDB), what, advice)
}

// newestBackup is the newest sound backup; if none is sound, the newest that has
// something to give. Notes say what is wrong with those that were passed over.
func (s *store) newestBackup() (c *contents, path string, notes []string) {
	var partial *contents
	var partialPath string
	for i := 1; i <= keptBackups; i++ {
		path := s.backupPath(i)
		c, faults, err := s.examine(path)
		switch {
		case err == nil && len(faults) == 0:
			return c, path, notes
		case err == nil:
			notes = append(notes, fmt.Sprintf("%s: %s", path, durable.Summary(faults)))
			if partial == nil {
				partial, partialPath = c, path
			}
		case !errors.Is(err, fs.ErrNotExist):
			notes = append(notes, fmt.Sprintf("%s: %v", path, err))
		}
	}
	return partial, partialPath, notes
}
