package alerting

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed dashboards/*.json rules/*.yml templates/*.tmpl
var embedded embed.FS

// Files returns the shipped files: rules/*.yml (rules for Prometheus and their
// unit tests), templates/*.tmpl (for Alertmanager) and dashboards/*.json (for Grafana).
func Files() fs.FS { return embedded }

// Write writes the shipped files below dir, which it creates if need be, and
// returns their paths. A file that is there already is replaced as a whole or not
// at all, so that a Prometheus that reloads meanwhile never reads half of one. On
// an error it returns what was written before.
func Write(dir string) ([]string, error) {
	var written []string
	err := fs.WalkDir(embedded, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if entry.IsDir() {
			return os.MkdirAll(path, 0o755)
		}
		content, err := embedded.ReadFile(name)
		if err != nil {
			return err
		}
		if err := replaceFile(path, content); err != nil {
			return err
		}
		written = append(written, path)
		return nil
	})
	if err != nil {
		return written, fmt.Errorf("writing rules, templates and dashboards: %w", err)
	}
	return written, nil
}

// replaceFile gives the file its content through a temporary file beside it: a
// rename is atomic within a directory.
func replaceFile(path string, content []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".health_exporter-*")
	if err != nil {
		return err
	}
	_, err = temp.Write(content)
	err = errors.Join(err, temp.Chmod(0o644), temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}
