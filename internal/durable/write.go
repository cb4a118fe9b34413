package durable

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// WriteFile gives a file its content, as a whole or not at all, whatever happens in
// between: the content is written beside it, synced, and renamed into its place. When it
// returns without error the content, and the name, are on the disk.
func WriteFile(path string, content []byte, mode fs.FileMode) error {
	return writeFile(path, content, mode, func(string) error { return nil })
}

// writeFile tells before what it does each step, and stops if that is an error.
func writeFile(path string, content []byte, mode fs.FileMode, before func(step string) error) (err error) {
	dir, pattern := filepath.Dir(path), temporary(path)
	if err := before("create"); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, pattern+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // it is closed already, unless a step before that failed
			_ = os.Remove(f.Name())
		}
	}()
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"write", func() error { _, err := f.Write(content); return err }},
		{"mode", func() error { return f.Chmod(mode) }},
		{"sync", f.Sync},
		{"close", f.Close},
		{"rename", func() error { return os.Rename(f.Name(), path) }},
	} {
		if err := before(step.name); err != nil {
			return err
		}
		if err := step.do(); err != nil {
			return err
		}
	}
	removeStale(dir, pattern)
	if err := before("sync directory"); err != nil {
		return err
	}
	return SyncDir(dir)
}

// temporary begins the names under which content for the file is written at first.
func temporary(path string) string { return "." + filepath.Base(path) + ".new-" }

// staleAfter is when a file that is being written is taken for one that was left over by
// a crash. Writing one takes moments.
const staleAfter = time.Hour

// removeStale removes what crashes have left over, or they would fill the disk in the end.
func removeStale(dir, pattern string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), pattern) {
			continue
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > staleAfter {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// WriteTree writes all files of a tree below dir, which it makes if need be, each as
// [WriteFile] does and readable for everybody, and returns their paths. On an error it
// returns what was written before.
func WriteTree(dir string, tree fs.FS) (written []string, err error) {
	err = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if entry.IsDir() {
			return os.MkdirAll(path, 0o755)
		}
		content, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		if err := WriteFile(path, content, 0o644); err != nil {
			return err
		}
		written = append(written, path)
		return nil
	})
	return written, err
}
