package discovery

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// kept are the lists of a run by source and by the sum of the configuration that found
// them.
type kept map[string]map[string][]labelSet

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
// fails loses no target.
func (d *Discovery) keep() {
	d.working.Lock()
	defer d.working.Unlock()
	if !d.unkept || d.options.KeptFile == "" {
		return
	}
	lists := kept{}
	for name, s := range d.sources {
		lists[name] = s.lists()
	}
	if err := writeKept(d.options.KeptFile, lists); err != nil {
		d.log.Error("the discovered targets could not be written down", "err", err)
		return
	}
	d.unkept = false
}

// writeKept replaces the file as a whole: what was there stays if this goes wrong.
func writeKept(file string, lists kept) error {
	text, err := json.Marshal(lists)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
