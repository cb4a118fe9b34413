package config

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/names"
	"github.com/health-exporter/health_exporter/internal/strictyaml"
)

// File is a configuration file as it was read: once and whole. It knows, too, what the
// files that it includes had when Load read them, also if they were refused.
type File struct {
	// UserAgent is that of the modules' requests; empty for the usual one. It is to be set
	// before Load.
	UserAgent string

	path  string
	text  []byte
	once  bool // it is a pipe or the like, which has nothing more to read
	blank bool

	empty map[string]bool // whether the files that it includes have nothing in them

	patterns []string                     // of modules_files, as paths
	sums     map[string][sha256.Size]byte // of what was read; a file that could not be read has none
}

// maxFileSize bounds what is read; 100 000 targets take a fifth of it.
const maxFileSize = 128 << 20

// maxRemembered bounds the text that is kept to see whether the next one is a part of it.
const maxRemembered = 1 << 20

// Read reads a configuration file. The answer is never nil: one that could not be read
// can be watched, too.
func Read(path string) (*File, error) {
	f := &File{path: path, sums: map[string][sha256.Size]byte{}}
	text, once, err := readWhole(path)
	f.once = once
	if err != nil {
		return f, fmt.Errorf("reading configuration: %w", err)
	}
	f.text = text
	f.remember(path, text)
	return f, nil
}

// readWhole reads a file, and reports whether it can be read only once.
func readWhole(path string) (text []byte, once bool, err error) {
	opened, err := os.Open(path)
	if err != nil {
		return nil, false, err
	}
	defer opened.Close()
	info, err := opened.Stat()
	if err != nil {
		return nil, false, err
	}
	once = !info.Mode().IsRegular() && !info.IsDir()
	text, err = io.ReadAll(io.LimitReader(opened, maxFileSize+1))
	if err == nil && len(text) > maxFileSize {
		err = fmt.Errorf("%s has more than %d bytes", path, maxFileSize)
	}
	return text, once, err
}

// readIncluded reads a file that another one names.
func (f *File) readIncluded(path string) ([]byte, error) {
	text, err := readRegular(path)
	if err == nil {
		f.remember(path, text)
	}
	return text, err
}

// readRegular reads a file, but nothing that reading would change: a pipe would be empty
// the next time, and one that nobody writes to would hold us up.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	text, _, err := readWhole(path)
	return text, err
}

func (f *File) remember(path string, text []byte) { f.sums[path] = sha256.Sum256(text) }

// Refuse is the error of options that are none of the program's, or that it cannot take,
// by their names (none for what is wrong with several), with all that is wrong with the file besides.
func (f *File) Refuse(options map[string]string) error {
	all := &strictyaml.Faults{File: f.path}
	if _, err := f.parse(); err != nil {
		if faults, ok := errors.AsType[*strictyaml.Faults](err); ok {
			all.List = faults.List
		}
	}
	root, _ := strictyaml.Parse(f.text, &strictyaml.Faults{})
	for option, detail := range options {
		all.Add(lineOfOption(root, option), strings.TrimSuffix("options."+option, "."), "%s", detail)
	}
	return all.Err()
}

// lineOfOption looks for a key that may have dots in it.
func lineOfOption(root *yaml.Node, option string) int {
	var doc struct {
		Options yaml.Node `yaml:"options"`
	}
	if root == nil || root.Decode(&doc) != nil {
		return 0
	}
	for i := 0; i+1 < len(doc.Options.Content); i += 2 {
		if key := doc.Options.Content[i]; key.Value == option {
			return key.Line
		}
	}
	return doc.Options.Line
}

// Load validates the file and what it includes. The error is a *strictyaml.Faults that
// names every fault.
func (f *File) Load() (*Config, error) {
	c, err := f.parse()
	if len(f.text) > maxRemembered {
		f.text = nil
	}
	return c, err
}

// Once reports whether the file has nothing more to read, as a pipe.
func (f *File) Once() bool { return f.once && f.path != os.DevNull }

// Blank reports whether there is nothing in the file, or only comments and keys without
// values. It is known after Load.
func (f *File) Blank() bool { return f.blank }

// Replaces says why the file, which is valid, must not take the place of another one at a
// reload: it looks like one that is being written, or whose disk was full.
func (f *File) Replaces(old *File) error {
	for _, path := range slices.Sorted(maps.Keys(f.empty)) {
		if had, ok := old.empty[path]; ok && !had && f.empty[path] {
			return fmt.Errorf("%s has nothing in it, which would take out all modules that it had; write modules: {} if that is meant, or remove it", path)
		}
	}
	rest, beginning := bytes.CutPrefix(old.text, f.text)
	switch {
	case old.blank:
		return nil
	case f.blank:
		return fmt.Errorf("%s has nothing in it, which would take out all that is configured; write {} if that is meant", f.path)
	case len(f.text) == 0: // it is too large to be remembered
		return nil
	case beginning && len(rest) > 0 && cutOff(f.text, rest):
		return fmt.Errorf("%s ends within line %d of what it had before, and looks half written; end it with a new line if this is all",
			f.path, bytes.Count(f.text, []byte("\n"))+1)
	}
	return nil
}

// cutOff reports whether a text ends where nobody would end it: within a line, or after
// a key whose value stood below.
func cutOff(text, rest []byte) bool {
	if text[len(text)-1] == '\n' {
		return bytes.HasSuffix(bytes.TrimSpace(text), []byte(":"))
	}
	return len(bytes.TrimSpace(rest)) > 0 && rest[0] != '\n' && rest[0] != '\r'
}

// Changed reports whether the files are others now, or have something else in them, than
// when they were read. What can be read only once does not change.
func (f *File) Changed() bool { return !maps.Equal(f.sums, f.now()) }

// Settled reports whether the files stay as they are while wait is called: whoever writes
// them is done.
func (f *File) Settled(wait func()) bool {
	before := f.now()
	wait()
	return maps.Equal(before, f.now())
}

// now are the sums of the files as the disk is now: a pattern may match others than when
// it was read.
func (f *File) now() map[string][sha256.Size]byte {
	sums := map[string][sha256.Size]byte{}
	if sum, ok := f.sums[f.path]; f.once {
		if ok {
			sums[f.path] = sum
		}
	} else if text, err := readRegular(f.path); err == nil {
		sums[f.path] = sha256.Sum256(text)
	}
	for _, pattern := range f.patterns {
		found, _ := names.Files(pattern) // what is wrong with it was said when it was loaded
		for _, path := range found {
			if text, err := readRegular(path); err == nil {
				sums[path] = sha256.Sum256(text)
			}
		}
	}
	return sums
}
