package discovery

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/health-exporter/health_exporter/internal/durable"
	"github.com/health-exporter/health_exporter/prober"
)

// kept are the lists of a run by source and by the sum of the configuration that found
// them.
type kept map[prober.Source]map[string][]labelSet

func readKept(file string) (kept, error) {
	lists := kept{}
	if file == "" {
		return lists, nil
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return lists, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &lists)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	return lists, nil
}

// keep writes the lists down, if they have changed, so that a restart while a mechanism
// fails loses no target. Nobody waits for the disk but another keep.
func (d *Discovery) keep() {
	d.keeping.Lock()
	defer d.keeping.Unlock()
	d.working.Lock()
	unkept, lists := d.unkept, kept{}
	for name, s := range d.sources {
		lists[name] = s.lists()
	}
	d.unkept = false
	d.working.Unlock()
	if !unkept || d.options.KeptFile == "" {
		return
	}
	err := writeKept(d.options.KeptFile, lists)
	d.unwritten.Store(err != nil)
	if err != nil {
		d.log.Error("the discovered targets could not be saved", "err", err)
		d.working.Lock()
		defer d.working.Unlock()
		d.unkept = true
	}
}

// Unwritten reports whether the last attempt to write the lists down failed.
func (d *Discovery) Unwritten() bool { return d.unwritten.Load() }

// writeKept replaces the file as a whole: what was there stays if this goes wrong.
func writeKept(file string, lists kept) error {
	text, err := json.Marshal(lists)
	if err != nil {
		return err
	}
	return durable.WriteFile(file, text, 0o600)
}
