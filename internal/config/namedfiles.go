package config

import (
	"fmt"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/strictyaml"
	"github.com/health-exporter/health_exporter/prober"
)

// namedFiles sees that the files can be read that a section names with its certificates,
// keys and secrets, so that all are reported at once, and not one by one when they are needed.
// Relative names are those of files in dir.
func namedFiles(n *yaml.Node, path, dir string, tell faultOf) {
	(&fileFinder{dir, tell, map[*yaml.Node]bool{}}).look(n, path)
}

// faultOf makes a fault of what is on a line, at a path.
type faultOf func(line int, path, format string, args ...any)

type fileFinder struct {
	dir  string
	tell faultOf
	seen map[*yaml.Node]bool // what an alias stands for is looked at once
}

func (f *fileFinder) look(n *yaml.Node, path string) {
	if f.seen[n] {
		return
	}
	f.seen[n] = true
	switch n.Kind {
	case yaml.AliasNode:
		f.look(n.Alias, path)
	case yaml.SequenceNode:
		for i, each := range n.Content {
			f.look(each, fmt.Sprintf("%s[%d]", path, i))
		}
	case yaml.MappingNode:
		f.certificates(n, path)
		for i := 0; i+1 < len(n.Content); i += 2 {
			f.key(n.Content[i].Value, n.Content[i+1], path)
		}
	}
}

func (f *fileFinder) key(key string, value *yaml.Node, path string) {
	at := strictyaml.Join(path, key)
	switch {
	case key == "<<":
		f.look(value, path)
	case key == "pid_file": // which may come and go: it is what is looked at
	case key == "ca_file", key == "cert_file", key == "key_file": // which belong together
	case strings.HasSuffix(key, "_file"):
		f.file(value, at)
	case key == "files" && strings.Contains(path, "http_headers."):
		for i, each := range value.Content {
			f.file(each, fmt.Sprintf("%s[%d]", at, i))
		}
	default:
		f.look(value, at)
	}
}

func (f *fileFinder) file(n *yaml.Node, path string) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Value == "" || n.Kind != yaml.ScalarNode {
		return
	}
	if _, err := prober.ReadNamedFile(f.at(n.Value)); err != nil {
		f.tell(n.Line, path, "%s", err)
	}
}

func (f *fileFinder) certificates(n *yaml.Node, path string) {
	var s struct {
		CA   string `yaml:"ca_file"`
		Cert string `yaml:"cert_file"`
		Key  string `yaml:"key_file"`
	}
	if n.Decode(&s) != nil {
		return // which is a fault already
	}
	for _, fault := range prober.CheckTLSFiles(f.at(s.CA), f.at(s.Cert), f.at(s.Key)) {
		f.tell(strictyaml.LineOf(n, fault.Path, n.Line), strictyaml.Join(path, fault.Path), "%s", fault.Detail)
	}
}

// at is where a file is.
func (f *fileFinder) at(name string) string {
	if name == "" || f.dir == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(f.dir, name)
}
