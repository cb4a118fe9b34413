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

// Book has the times of maintenance that were added while the program runs. It may be
// used by several goroutines.
type Book struct {
	path string // empty keeps everything in memory

	changing sync.Mutex // makes changes one at a time; held while the file is written
	windows  atomic.Pointer[map[string]alerting.Window]
}

// content is what is in the file.
type content struct {
	Windows []alerting.Window `json:"windows"`
}

// Open reads the file in a directory; without a directory everything is kept in memory.
// A file that is damaged is kept under another name, and a new one begun.
func Open(dir string, log *slog.Logger) (*Book, error) {
	b := &Book{}
	b.windows.Store(&map[string]alerting.Window{})
	if dir == "" {
		return b, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the maintenance windows: %w", err)
	}
	b.path = filepath.Join(dir, fileName)
	text, err := os.ReadFile(b.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return b, nil
	case err != nil:
		return nil, fmt.Errorf("opening the maintenance windows: %w", err)
	}
	var saved content
	if err := json.Unmarshal(text, &saved); err != nil {
		to, errKeep := durable.KeepDamaged(b.path, maxDamaged)
		log.Error("the maintenance windows are damaged: those added over the API are lost", "file", b.path, "kept", to, "err", errors.Join(err, errKeep))
		return b, nil
	}
	windows := map[string]alerting.Window{}
	for _, w := range saved.Windows {
		windows[w.Name] = w
	}
	b.windows.Store(&windows)
	return b, nil
}

// Add adds a window, in place of the one of the same name. It is kept over restarts
// until it is over. Weekly windows belong in the configuration.
func (b *Book) Add(w alerting.Window) error {
	if w.Name == "" {
		return errors.New("adding a window: it has no name")
	}
	if w.Weekly != nil {
		return fmt.Errorf("adding the window %q: weekly ones belong in the configuration", w.Name)
	}
	if err := w.Check(); err != nil {
		return fmt.Errorf("adding the window %q: %w", w.Name, err)
	}
	return b.change(func(windows map[string]alerting.Window) error {
		if _, known := windows[w.Name]; !known && len(windows) >= maxWindows {
			return fmt.Errorf("adding the window %q: there are %d already", w.Name, maxWindows)
		}
		windows[w.Name] = w
		return nil
	})
}

// Adopt adds windows that were kept elsewhere, unless there are such already.
func (b *Book) Adopt(list []alerting.Window) error {
	return b.change(func(windows map[string]alerting.Window) error {
		for _, w := range list {
			if _, known := windows[w.Name]; !known {
				windows[w.Name] = w
			}
		}
		return nil
	})
}

// Remove ends a window, and reports whether there was one.
func (b *Book) Remove(name string) (known bool, err error) {
	if _, known := (*b.windows.Load())[name]; !known {
		return false, nil
	}
	err = b.change(func(windows map[string]alerting.Window) error {
		_, known = windows[name]
		delete(windows, name)
		return nil
	})
	return known, err
}

// change makes a change, on disk first. What is over is dropped on this occasion.
func (b *Book) change(edit func(map[string]alerting.Window) error) error {
	b.changing.Lock()
	defer b.changing.Unlock()
	next := maps.Clone(*b.windows.Load())
	now := time.Now()
	maps.DeleteFunc(next, func(_ string, w alerting.Window) bool { return !now.Before(w.End) })
	if err := edit(next); err != nil {
		return err
	}
	if err := b.write(next); err != nil {
		return fmt.Errorf("writing the maintenance windows: %w", err)
	}
	b.windows.Store(&next)
	return nil
}

func (b *Book) write(windows map[string]alerting.Window) error {
	if b.path == "" {
		return nil
	}
	text, err := json.MarshalIndent(content{sorted(windows)}, "", "  ")
	if err != nil {
		return err
	}
	return durable.WriteFile(b.path, append(text, '\n'), 0o600)
}

// List are those that are not over, by name.
func (b *Book) List(now time.Time) []alerting.Window {
	list := sorted(*b.windows.Load())
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
func (b *Book) Hold(s *alerting.Subject, now time.Time) bool {
	for _, w := range *b.windows.Load() {
		if w.Open(now) && w.Covers(s) {
			return true
		}
	}
	return false
}
