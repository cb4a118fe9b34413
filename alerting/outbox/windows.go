package outbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
)

// windowPrefix begins the keys under which windows are kept.
const windowPrefix = "window\x00"

// maxWindows is how many windows may be added besides those of the configuration.
const maxWindows = 1000

// AddWindow adds a window, in place of the one of the same name. It is kept over
// restarts until it is over. Weekly windows belong into the configuration.
func (o *Outbox) AddWindow(w alerting.Window) error {
	if w.Name == "" {
		return fmt.Errorf("adding a window: it has no name")
	}
	if w.Weekly != nil {
		return fmt.Errorf("adding the window %q: weekly ones belong into the configuration", w.Name)
	}
	if err := w.Check(); err != nil {
		return fmt.Errorf("adding the window %q: %w", w.Name, err)
	}
	text, err := json.Marshal(w)
	if err != nil {
		return fmt.Errorf("adding the window %q: %w", w.Name, err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.windows[w.Name]; !known && len(o.windows) >= maxWindows {
		return fmt.Errorf("adding the window %q: there are %d already", w.Name, maxWindows)
	}
	if err := o.store.keep(map[string][]byte{windowPrefix + w.Name: text}); err != nil {
		return err
	}
	o.windows[w.Name] = w
	o.nudge()
	return nil
}

// RemoveWindow ends a window that was added, and tells whether there was one.
func (o *Outbox) RemoveWindow(name string) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.windows[name]; !known {
		return false, nil
	}
	if err := o.store.keep(map[string][]byte{windowPrefix + name: nil}); err != nil {
		return true, err
	}
	delete(o.windows, name)
	o.nudge()
	return true, nil
}

// AddedWindows are those that were added and are not over, by name.
func (o *Outbox) AddedWindows() []alerting.Window {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dropOver(time.Now())
	list := make([]alerting.Window, 0, len(o.windows))
	for _, name := range slices.Sorted(maps.Keys(o.windows)) {
		list = append(list, o.windows[name])
	}
	return list
}

// dropOver forgets the windows that are over; mu is held.
func (o *Outbox) dropOver(now time.Time) {
	gone := map[string][]byte{}
	for name, w := range o.windows {
		if !now.Before(w.End) {
			gone[windowPrefix+name] = nil
			delete(o.windows, name)
		}
	}
	if err := o.store.keep(gone); err != nil {
		o.complain("disk", err)
	}
}

// loadWindows reads those that were added before the restart.
func (o *Outbox) loadWindows() error {
	o.windows = map[string]alerting.Window{}
	all, err := o.store.kept()
	if err != nil {
		return err
	}
	for key, text := range all {
		name, ok := strings.CutPrefix(key, windowPrefix)
		var w alerting.Window
		if ok && json.Unmarshal(text, &w) == nil {
			o.windows[name] = w
		}
	}
	return nil
}
