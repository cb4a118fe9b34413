package app

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"

	"github.com/prometheus/exporter-toolkit/web"

	"github.com/health-exporter/health_exporter/internal/strictyaml"
)

// CheckWebConfig says what is wrong with the file of --web.config.file; empty is none.
// exporter-toolkit reads its first document only, and a user in another one would guard
// nothing.
func CheckWebConfig(file string) error {
	if err := web.Validate(file); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	if file == "" {
		return nil
	}
	return oneDocument(file)
}

func oneDocument(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	faults := &strictyaml.Faults{File: file}
	strictyaml.Parse(text, faults)
	return faults.Err()
}

// webFile watches the file of --web.config.file as exporter-toolkit does, which reads it for
// each request: what is wrong with it, and exporter-toolkit does not see, shuts everybody out.
type webFile struct {
	path string
	log  *slog.Logger

	mu   sync.Mutex  // protects all following fields
	last os.FileInfo // as it was looked at last; nil if it was not
	err  error
}

// guard answers with 500 while the file is wrong.
func (f *webFile) guard(next http.Handler) http.Handler {
	if f.path == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.check() != nil {
			http.Error(w, "The file of --web.config.file is not valid: see the exporter's log", http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (f *webFile) check() error {
	info, err := os.Stat(f.path)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil && f.last != nil && os.SameFile(info, f.last) && info.Size() == f.last.Size() && info.ModTime().Equal(f.last.ModTime()) {
		return f.err
	}
	if f.last = info; err == nil {
		err = oneDocument(f.path)
	}
	if err != nil && (f.err == nil || f.err.Error() != err.Error()) {
		f.log.Error("the web configuration is not valid any more: all requests are refused until it is", "err", err)
	}
	f.err = err
	return err
}
