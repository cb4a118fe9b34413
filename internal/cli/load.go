package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/health-exporter/health_exporter/client"
	"github.com/health-exporter/health_exporter/prober"
)

// Load registers what a dump has: with a running exporter if there is a URL, or
// else in a storage directory that no exporter uses. If anything is wrong with one
// registration, none is loaded.
type Load struct {
	Exporter
	Terminal
	// StoragePath is the directory of a stopped exporter.
	StoragePath string
	// File is the dump; - or nothing is In.
	File string
	In   io.Reader
	// DryRun changes nothing.
	DryRun bool
	// KindOf returns the kind of a module by its name, for a stopped exporter; a
	// running one knows itself.
	KindOf func(module string) (kind prober.Kind, ok bool)
}

// Run reads, checks and loads.
func (l *Load) Run(ctx context.Context) int {
	defer l.done()
	l.File = cmp.Or(l.File, "-")
	kindOf, load := l.KindOf, l.intoStorage
	if l.URL != "" {
		kindOf, load = anyKind, func(records []record) error { return l.intoExporter(ctx, records) }
	}
	records, err := l.read(kindOf)
	if err != nil {
		return l.fail(fmt.Errorf("nothing was loaded from %s:\n%w", l.File, err))
	}
	if err := load(records); err != nil {
		return l.fail(err)
	}
	if l.JSON {
		return l.writeJSON(map[string]any{"registrations": len(records), "dry_run": l.DryRun})
	}
	if l.DryRun {
		fmt.Fprintf(l.Out, "%d registrations could be loaded\n", len(records))
	} else {
		fmt.Fprintf(l.Out, "%d registrations loaded\n", len(records))
	}
	return ExitOK
}

// anyKind leaves it to the exporter which modules there are.
func anyKind(string) (prober.Kind, bool) { return "", true }

func (l *Load) read(kindOf func(string) (prober.Kind, bool)) ([]record, error) {
	if l.File == "-" {
		return readDump(l.In, kindOf)
	}
	f, err := os.Open(l.File)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readDump(f, kindOf)
}

func (l *Load) intoStorage(records []record) error {
	if l.DryRun {
		return nil
	}
	r, err := openStorage(l.StoragePath, true)
	if err != nil {
		return err
	}
	targets := make([]prober.Target, len(records))
	for i := range records {
		targets[i], _ = records[i].target() // its faults were listed when it was read
	}
	return errors.Join(r.Load(targets), r.Close())
}

// intoExporter asks first whether each of them would be taken.
func (l *Load) intoExporter(ctx context.Context, records []record) error {
	var faults []error
	for _, r := range records {
		err := l.do(ctx, http.MethodPost, "api/v1/targets?dry_run=true", r.Registration, nil)
		if _, refused := errors.AsType[*client.Refusal](err); err != nil && !refused {
			return err
		} else if refused {
			faults = append(faults, fmt.Errorf("%s: %w", printable(r.App), err))
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("nothing was loaded from %s:\n%w", l.File, errors.Join(faults...))
	}
	if l.DryRun {
		return nil
	}
	for i, r := range records {
		err := l.do(ctx, http.MethodPost, "api/v1/targets", r.Registration, nil)
		if err == nil && r.Paused {
			err = l.do(ctx, http.MethodPost, targetPath(r.App, "pause"), nil, nil)
		}
		if err != nil {
			return fmt.Errorf("%d of %d registrations were loaded, then %s was not: %w\nIt is safe to load the same dump again",
				i, len(records), printable(r.App), err)
		}
	}
	return nil
}
