package maintenance

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/internal/durable"
)

const (
	// fileName is the name of the file in the storage directory.
	fileName = "maintenance.json"
	// maxWindows is how many windows may be added besides those of the configuration.
	maxWindows = 100
	// maxDamaged is how many damaged files are kept.
	maxDamaged = 3
)

// ErrStorage is wrapped by the error of every change that could not be made because it
// could not be written. Nothing was changed.
var ErrStorage = errors.New("storage failed")

// Store has the maintenance windows that were added while the program runs. It may be
// used by several goroutines.
type Store struct {
	path   string // empty keeps everything in memory
	damage string // what was wrong with the file

	changing sync.Mutex // makes changes one at a time; held while the file is written
	windows  atomic.Pointer[map[string]alerting.Window]
}

// content is what is in the file.
type content struct {
	Windows []alerting.Window `json:"windows"`
}

// Open reads the file in a directory; without a directory everything is kept in memory.
// A file that is damaged is kept under another name, and a new one begun.
func Open(dir string, log *slog.Logger) (*Store, error) {
	m := &Store{}
	m.windows.Store(&map[string]alerting.Window{})
	if dir == "" {
		return m, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the maintenance windows: %w", err)
	}
	m.path = filepath.Join(dir, fileName)
	text, err := os.ReadFile(m.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return m, nil
	case err != nil:
		return nil, fmt.Errorf("opening the maintenance windows: %w", err)
	}
	var saved content
	if err := json.Unmarshal(text, &saved); err != nil {
		to, errKeep := durable.KeepDamaged(m.path, maxDamaged)
		log.Error("the maintenance windows are damaged: those added over the API are lost", "file", m.path, "kept", to, "err", errors.Join(err, errKeep))
		m.damage = err.Error()
		if errKeep == nil { // the next start finds no damage
			errKeep = m.write(nil)
		}
		if errKeep != nil {
			log.Error("the maintenance windows cannot be written", "file", m.path, "err", errKeep)
		}
		return m, nil
	}
	windows := map[string]alerting.Window{}
	for _, w := range saved.Windows {
		windows[w.Name] = w
	}
	m.windows.Store(&windows)
	return m, nil
}

// Damage is what was wrong with the file when it was opened, which lost the windows in it;
// empty for nothing.
func (m *Store) Damage() string { return m.damage }

// Add adds a window, in place of the one of the same name. It is kept over restarts
// until it is over. Weekly windows belong in the configuration.
func (m *Store) Add(w alerting.Window) error {
	if w.Name == "" {
		return errors.New("adding a window: it has no name")
	}
	if w.Weekly != nil {
		return fmt.Errorf("adding the window %q: weekly ones belong in the configuration", w.Name)
	}
	if err := w.Check(); err != nil {
		return fmt.Errorf("adding the window %q: %w", w.Name, err)
	}
	return m.change(func(windows map[string]alerting.Window) error {
		if _, known := windows[w.Name]; !known && len(windows) >= maxWindows {
			return fmt.Errorf("adding the window %q: there are %d already", w.Name, maxWindows)
		}
		windows[w.Name] = w
		return nil
	})
}

// Adopt adds windows that were kept elsewhere, unless there are such already.
func (m *Store) Adopt(list []alerting.Window) error {
	return m.change(func(windows map[string]alerting.Window) error {
		for _, w := range list {
			if _, known := windows[w.Name]; !known {
				windows[w.Name] = w
			}
		}
		return nil
	})
}

// Remove ends a window, and reports whether there was one.
func (m *Store) Remove(name string) (known bool, err error) {
	if _, known := (*m.windows.Load())[name]; !known {
		return false, nil
	}
	err = m.change(func(windows map[string]alerting.Window) error {
		_, known = windows[name]
		delete(windows, name)
		return nil
	})
	return known, err
}

// change makes a change, on disk first. What is over is dropped on this occasion.
func (m *Store) change(edit func(map[string]alerting.Window) error) error {
	m.changing.Lock()
	defer m.changing.Unlock()
	next := maps.Clone(*m.windows.Load())
	now := time.Now()
	maps.DeleteFunc(next, func(_ string, w alerting.Window) bool { return !now.Before(w.End) })
	if err := edit(next); err != nil {
		return err
	}
	if err := m.write(next); err != nil {
		return fmt.Errorf("%w: writing the maintenance windows: %w", ErrStorage, err)
	}
	m.windows.Store(&next)
	return nil
}

func (m *Store) write(windows map[string]alerting.Window) error {
	if m.path == "" {
		return nil
	}
	text, err := json.MarshalIndent(content{sorted(windows)}, "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteFile(m.path, append(text, '\n'), 0o600)
}

// List are those that are not over, by name.
func (m *Store) List(now time.Time) []alerting.Window {
	list := sorted(*m.windows.Load())
	return slices.DeleteFunc(list, func(w alerting.Window) bool { return !now.Before(w.End) })
}

func sorted(windows map[string]alerting.Window) []alerting.Window {
	list := make([]alerting.Window, 0, len(windows))
	for _, name := range slices.Sorted(maps.Keys(windows)) {
		list = append(list, windows[name])
	}
	return list
}

// Hold reports whether nothing shall be told of the subject now.
func (m *Store) Hold(s *alerting.Subject, now time.Time) bool {
	for _, w := range *m.windows.Load() {
		if w.Open(now) && w.Covers(s) {
			return true
		}
	}
	return false
}
