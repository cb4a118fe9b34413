package discovery

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/discovery/targetgroup"
)

// addFiles takes over the groups of files. Prometheus' code takes a file that was cut
// off, by a full disk or by whoever writes it anew, for one without targets. Here only
// a file that is gone, or says [], has none: what any other had stays until it can be
// read again. mu is held; the answer is the files to complain of.
func (u *unit) addFiles(groups []*targetgroup.Group, patterns []string) (emptied []string) {
	read := u.forgetRead(groups)
	for _, g := range groups {
		switch {
		case g == nil:
		case len(g.Targets) > 0:
			u.groups[g.Source] = g
		case u.groups[g.Source] != nil:
			u.held[g.Source] = true
		}
	}
	for source := range u.held {
		switch path := fileOf(source); {
		case hasNone(path):
			delete(u.groups, source)
			delete(u.held, source)
		case !slices.Contains(emptied, path):
			emptied = append(emptied, path)
		}
	}
	if !u.answered && !read && len(u.groups) == 0 {
		emptied = emptyFiles(patterns) // the list of the last run stands meanwhile
	}
	u.answered = u.answered || len(emptied) == 0
	slices.Sort(emptied)
	return emptied
}

// forgetRead lets go of what files had that were read again: all groups of a file come
// at once, and only those of a file that was read have labels. It reports whether any was.
func (u *unit) forgetRead(groups []*targetgroup.Group) bool {
	read := map[string]bool{}
	for _, g := range groups {
		if g != nil && g.Labels != nil {
			read[fileOf(g.Source)] = true
		}
	}
	for source := range u.groups {
		if read[fileOf(source)] {
			delete(u.groups, source)
			delete(u.held, source)
		}
	}
	return len(read) > 0
}

// fileOf is the file of a group, whose source is that and a number.
func fileOf(source string) string {
	return source[:max(strings.LastIndexByte(source, ':'), 0)]
}

// emptyFiles are the files that ought to have targets.
func emptyFiles(patterns []string) (paths []string) {
	for _, pattern := range patterns {
		found, _ := filepath.Glob(pattern) // was valid when it was loaded
		for _, path := range found {
			if !hasNone(path) {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// hasNone reports whether a file has no targets because somebody wants it so.
func hasNone(path string) bool {
	text, err := os.ReadFile(path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	return string(content(text)) == "[]"
}

// content is a file without blanks, comments, and the mark of a document's beginning.
func content(text []byte) []byte {
	var kept []byte
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if comment := bytes.IndexByte(line, '#'); comment >= 0 {
			line = line[:comment]
		}
		if !bytes.Equal(bytes.TrimSpace(line), []byte("---")) {
			kept = append(kept, bytes.Join(bytes.Fields(line), nil)...)
		}
	}
	return kept
}
