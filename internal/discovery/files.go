package discovery

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/targetgroup"

	"github.com/health-exporter/health_exporter/internal/names"
)

// addFiles takes over the groups of files. Prometheus' code takes a file that was cut
// off, by a full disk or by whoever writes it anew, for one without targets. Here only
// a file that is gone, or says [], has none: what any other had stays until it can be
// read again. Nor does that code read more than the first document of a file, whose other
// targets would be gone without a word: such a file is not taken in. mu is held; the
// answer is the files to complain of.
func (u *unit) addFiles(groups []*targetgroup.Group, patterns []string) (emptied, several []string) {
	groups, several = wholeFiles(groups)
	read := u.forgetRead(groups)
	for _, g := range groups {
		switch {
		case g == nil, !meant(patterns, fileOf(g.Source)):
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
	if len(several) == 0 && !u.answered && !read && len(u.groups) == 0 {
		emptied = emptyFiles(patterns) // the list of the last run stands meanwhile
	}
	emptied, several = apart(emptied, several)
	u.answered = u.answered || len(emptied) == 0 && len(several) == 0
	slices.Sort(emptied)
	return emptied, several
}

// apart has files of several documents complained of for that alone: what is in them was
// not taken in, so that nothing can be said about their targets.
func apart(emptied, several []string) (rest, more []string) {
	for _, path := range emptied {
		switch {
		case !hasSeveral(path):
			rest = append(rest, path)
		case !slices.Contains(several, path):
			several = append(several, path)
		}
	}
	return rest, several
}

// wholeFiles leaves out the groups of files that have more documents than were read, and of
// those that have something else since: they are about to be read again.
func wholeFiles(groups []*targetgroup.Group) (whole []*targetgroup.Group, several []string) {
	files := map[string][]*targetgroup.Group{}
	var order []string
	for _, g := range groups {
		if g == nil {
			continue
		}
		path := fileOf(g.Source)
		if files[path] == nil {
			order = append(order, path)
		}
		files[path] = append(files[path], g)
	}
	for _, path := range order {
		switch {
		case hasSeveral(path):
			several = append(several, path)
		case !hasChanged(path, files[path]):
			whole = append(whole, files[path]...)
		}
	}
	return whole, several
}

// justNow is how long ago a file may have been written that was read before that.
const justNow = 10 * time.Second

// hasChanged reports whether a file was written just now and has not all the targets any
// more that were read of it. Should it only write one in another way, it is taken in when
// it is read again.
func hasChanged(path string, read []*targetgroup.Group) bool {
	info, err := os.Stat(path)
	if err != nil || time.Since(info.ModTime()) > justNow {
		return false
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	for _, g := range read {
		for _, labels := range g.Targets {
			if !bytes.Contains(text, []byte(labels[model.AddressLabel])) {
				return true
			}
		}
	}
	return false
}

// hasSeveral reports whether a file has more than one document of YAML: what marks where
// one begins or ends cannot stand at the beginning of a line for anything else.
func hasSeveral(path string) bool {
	text, err := os.ReadFile(path)
	if err != nil || filepath.Ext(path) == ".json" {
		return false
	}
	begun, ended := false, false
	for line := range bytes.Lines(text) {
		marker, _, _ := bytes.Cut(bytes.TrimRight(line, "\r\n\t "), []byte(" "))
		switch blank := len(content(line)) == 0; {
		case string(marker) == "---":
			if begun {
				return true
			}
			begun = true
		case string(marker) == "...":
			ended = begun
		case blank || line[0] == '%':
		case ended:
			return true
		default:
			begun = true
		}
	}
	return false
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
		found, _ := names.Files(pattern) // what is no pattern is a file that is not there
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
