package history

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/internal/durable"
)

const (
	// lookEvery is how often it is looked whether there is something to write.
	lookEvery = 5 * time.Second
	// beatEvery is how often it is written that the exporter lives, if nothing else is.
	beatEvery = 30 * time.Second
	// retryEvery is how long a disk that fails is left alone.
	retryEvery = 30 * time.Second
	// complainEvery is how often a disk that keeps failing is logged.
	complainEvery = time.Hour
	// tidyEvery is how often it is looked for what is too old.
	tidyEvery = time.Hour
)

// load reads the file, if there is one. From the last beat on nothing is known.
func (s *Store) load() error {
	path := s.disk.path()
	l, err := load(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if _, inUse := errors.AsType[*durable.InUseError](err); inUse {
		return fmt.Errorf("%w: stop that one, or choose another --storage.path", err)
	}
	s.subjects, s.lived = l.subjects, l.beat
	s.interrupt()
	for _, t := range l.subjects {
		t.trim(math.MinInt64>>8, s.most)
	}
	faults := l.faults
	if err != nil {
		faults = append(faults, err.Error())
	}
	if len(faults) == 0 {
		s.cursor = l.cursor // else what it had taken is not all there
		return nil
	}
	s.stats.Recovered, s.stats.Damage = true, strings.Join(faults[:min(len(faults), 3)], "; ")
	aside, err := durable.KeepDamaged(path, keptDamaged)
	s.log.Error("the history is damaged: the file was renamed, and its intact records are kept", "file", path,
		"faults", len(faults), "first", s.stats.Damage, "subjects", len(s.subjects), "aside", aside, "err", err)
	s.flush() // what was kept is in no file now
	return nil
}

// Run writes what changes, and beats, until ctx is done. Close writes the rest.
func (s *Store) Run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	c := clock{last: s.now()}
	var tidied time.Duration // c.steady then
	var written, complained time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := s.now()
		if was, set := c.look(now); set > 0 {
			s.slept(was, now)
		}
		if c.steady < tidied {
			tidied = 0
		}
		if c.trusted() && c.steady-tidied >= tidyEvery {
			s.tidy(now)
			tidied = c.steady
		}
		wait := beatEvery
		switch s.mu.RLock(); {
		case s.stats.Problem != "":
			wait = retryEvery
		case len(s.dirty) > 0 || s.moved || s.stats.LastWrite.IsZero():
			wait = 0
		}
		s.mu.RUnlock()
		if s.disk == nil || now.Sub(written) < wait {
			continue
		}
		written = now
		switch failed, err := s.flush(); {
		case err != nil && (!failed || now.Sub(complained) >= complainEvery):
			complained = now
			s.log.Error("the history cannot be written; it is kept in memory; trying again", "err", err)
		case err == nil && failed:
			s.log.Info("the history is written again", "path", s.disk.dir)
		}
	}
}

// flush writes what is not on disk yet, and that the exporter lives. It reports whether
// the attempt before failed.
func (s *Store) flush() (failed bool, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	d := s.disk
	if d.db != nil && d.db.Replaced() {
		d.abandon()
	}
	p := plan{spans: map[string]span{}}
	s.taking.Lock()
	s.mu.Lock()
	dirty := s.dirty
	s.dirty = map[string]uint64{}
	p.cursor = s.cursor
	s.moved = false
	s.mu.Unlock()

	s.mu.RLock() // readers go on
	if d.db == nil {
		for subject, t := range s.subjects {
			p.subject(subject, t, 0, span{})
		}
	} else {
		for subject, from := range dirty {
			p.subject(subject, s.subjects[subject], from, d.spans[subject])
		}
	}
	s.mu.RUnlock()
	s.taking.Unlock()
	now := s.now()
	size, err := d.write(&p, milli(now))

	s.mu.Lock()
	defer s.mu.Unlock()
	failed = s.stats.Problem != ""
	if err == nil {
		s.stats.Bytes, s.stats.LastWrite, s.stats.Problem = size, now, ""
		return failed, nil
	}
	s.moved = true
	s.stats.Errors++
	s.stats.Problem = err.Error()
	for subject, from := range dirty {
		if newer, ok := s.dirty[subject]; !ok || from < newer {
			s.dirty[subject] = from
		}
	}
	return failed, err
}

// Close writes what is not on disk yet, and closes the file. Run must have ended.
func (s *Store) Close() error {
	if s.disk == nil {
		return nil
	}
	_, err := s.flush()
	s.writing.Lock()
	defer s.writing.Unlock()
	return errors.Join(err, s.disk.close())
}
