package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/names"
	"github.com/health-exporter/health_exporter/internal/strictyaml"
	"github.com/health-exporter/health_exporter/prober"
)

// includeModules reads the files that modules_files names, each of the form of a
// blackbox.yml: a mapping "modules". Patterns are relative to the configuration
// file; one without wildcards must match. A module may be given in one place only.
func (doc *document) includeModules(d *decoder, c *Config, f *File, modules map[string]*prober.Module) {
	if len(doc.ModulesFiles) == 0 {
		return
	}
	c.moduleNodes = maps.Clone(doc.Modules)
	if c.moduleNodes == nil {
		c.moduleNodes = map[string]yaml.Node{}
	}
	c.moduleFiles = map[string]string{}
	given := map[string]string{}
	for name := range doc.Modules {
		given[name] = c.File
	}
	for i, n := range doc.ModulesFiles {
		path := fmt.Sprintf("modules_files[%d]", i)
		f.patterns = append(f.patterns, besides(c.File, n.Value))
		for _, file := range matches(d, path, &n, c.File) {
			for name, module := range f.readModules(d, path, n.Line, file) {
				if first, dup := given[name]; dup {
					d.Faults.Add(n.Line, path, "%s: the module %q is given in %s already", file, name, first)
					continue
				}
				given[name] = file
				c.moduleNodes[name], c.moduleFiles[name] = module, file
				if m := d.inFile(file, n.Line).module("modules."+name, &module); m != nil {
					modules[name] = m
				}
			}
		}
	}
}

func matches(d *decoder, path string, n *yaml.Node, configFile string) []string {
	pattern := besides(configFile, n.Value)
	files, err := names.Files(pattern)
	switch {
	case n.Kind != yaml.ScalarNode || n.Value == "":
		d.Faults.Add(n.Line, path, "must be a file or a pattern such as modules/*.yml")
	case err != nil:
		d.Faults.Add(n.Line, path, "%q is not a valid pattern: %s", n.Value, err)
	case len(files) == 0 && !hasWildcard(n.Value):
		d.Faults.Add(n.Line, path, "there is no file %s", pattern)
	}
	slices.Sort(files)
	return files
}

// besides takes a relative name as one in the directory of the configuration file.
func besides(configFile, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(configFile), name)
}

func hasWildcard(pattern string) bool {
	for _, r := range pattern {
		if r == '*' || r == '?' || r == '[' {
			return true
		}
	}
	return false
}

// readModules reads one included file. Its faults are reported at the line that
// includes it, with the file's own line in the text.
func (f *File) readModules(d *decoder, path string, line int, file string) map[string]yaml.Node {
	text, err := f.readIncluded(file)
	if err != nil {
		d.Faults.Add(line, path, "%s", err)
		return nil
	}
	own := &strictyaml.Faults{File: file}
	root, ok := strictyaml.Parse(text, own)
	f.empty[file] = ok && (strictyaml.Blank(root) || len(root.Content) == 0)
	var section struct {
		Modules map[string]yaml.Node `yaml:"modules"`
	}
	if ok && root != nil {
		newDecoder(own).Decode(root, "", &section)
	}
	d.Faults.Adopt(own, line)
	return section.Modules
}

// includedDecoder decodes what stands in another file.
type includedDecoder struct {
	to   *decoder
	file string
	line int
}

func (d *decoder) inFile(file string, line int) includedDecoder {
	return includedDecoder{d, file, line}
}

func (i includedDecoder) module(path string, n *yaml.Node) *prober.Module {
	own := &strictyaml.Faults{File: i.file}
	d := newDecoder(own)
	d.userAgent = i.to.userAgent
	m := decodeModule(d, path, n)
	i.to.Faults.Adopt(own, i.line)
	for _, w := range d.warnings {
		i.to.warn(i.line, w.Path, "in %s line %d: %s", i.file, w.Line, w.Detail)
	}
	return m
}
