package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/health-exporter/health_exporter/client"
	"github.com/health-exporter/health_exporter/internal/registry"
	"github.com/health-exporter/health_exporter/prober"
)

// Dump writes all registrations as JSON: those of a running exporter if there is a
// URL, or else those in a storage directory that no exporter uses.
type Dump struct {
	Exporter
	Terminal
	// StoragePath is the directory of a stopped exporter.
	StoragePath string
}

// Run reads and writes.
func (d *Dump) Run(ctx context.Context) int {
	defer d.done()
	read := d.fromStorage
	if d.URL != "" {
		read = func() ([]record, error) { return d.fromExporter(ctx) }
	}
	records, err := read()
	if err != nil {
		return d.fail(err)
	}
	return d.writeJSON(struct {
		Format  string   `json:"format"`
		Targets []record `json:"targets"`
	}{dumpFormat, append([]record{}, records...)})
}

func (d *Dump) fromStorage() (records []record, err error) {
	r, err := openStorage(d.StoragePath, false)
	if err != nil {
		return nil, err
	}
	for _, t := range r.Targets() {
		records = append(records, recordOf(t))
	}
	return records, r.Close()
}

// openStorage takes the directory of a stopped exporter. It repairs nothing: that
// is for the exporter, whose log people read.
func openStorage(dir string, create bool) (*registry.Registry, error) {
	if dir == "" {
		return nil, errors.New("--storage.path is empty, so nothing is stored; name the directory, or a running exporter with --url")
	}
	if _, err := os.Stat(filepath.Join(dir, "registry.db")); errors.Is(err, fs.ErrNotExist) && !create {
		return nil, fmt.Errorf("there is no registry in %s: name its directory with --storage.path, or a running exporter with --url", dir)
	}
	r, err := registry.Open(registry.Options{Path: dir, OnCorruption: registry.Fail, LockTimeout: 500 * time.Millisecond})
	if err != nil {
		return nil, fmt.Errorf("%w\nThe registry of a running exporter is reached with --url %s", err, DefaultURL)
	}
	return r, nil
}

func (d *Dump) fromExporter(ctx context.Context) (records []record, err error) {
	for t, err := range d.each(ctx, client.Query{Sources: []string{string(prober.SourceAPI)}}) {
		switch {
		case err != nil:
			return nil, err
		case !prober.Source(t.Source).Stored():
		case t.PlaceCut:
			return nil, fmt.Errorf("the exporter at %s does not show all of what %s probes, since that may be secret: "+
				"ask on its own machine, or with a token that has the right \"debug\"", d.Exporter.URL, printable(t.App))
		default:
			r := record{Registration: t.Registration, Paused: t.Paused, Owner: t.Owner, From: t.From, RegisteredAt: t.RegisteredAt}
			if r.Email != nil && *r.Email == "" {
				r.Email = nil
			}
			records = append(records, r)
		}
	}
	return records, nil
}
