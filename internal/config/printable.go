package config

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/strictyaml"
	"github.com/health-exporter/health_exporter/prober"
)

// refuseUnprintable finds characters that nobody can see, or that mislead who reads, in
// what the file says: it is shown on pages, in logs and mails. What modules send and
// expect may be any bytes, and is not shown; their names are.
func refuseUnprintable(n *yaml.Node, path string, faults *strictyaml.Faults) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			refuseUnprintable(key, path, faults)
			if path != "modules" {
				refuseUnprintable(value, strictyaml.Join(path, key.Value), faults)
			}
		}
	case yaml.SequenceNode:
		for i, each := range n.Content {
			refuseUnprintable(each, fmt.Sprintf("%s[%d]", path, i), faults)
		}
	case yaml.ScalarNode:
		if i := strings.IndexFunc(n.Value, misleading); i >= 0 && !faults.Has(path, 0) {
			r := []rune(n.Value[i:])[0]
			faults.Add(n.Line, path, "%q has the character %U, which cannot be seen or misleads who reads it", n.Value, r)
		}
	}
}

// misleading is prober.NotPrintable but for what lays out a text of several lines.
func misleading(r rune) bool {
	return r != '\n' && r != '\r' && r != '\t' && r != 0xa0 && prober.NotPrintable(r)
}
