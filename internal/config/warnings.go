package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/health-exporter/health_exporter/internal/strictyaml"
)

// Warnings are what is most likely a mistake in the file although it can be put
// in force: a word that means something else than it looks, a file that is not
// there, a name that nothing has. They are looked for when asked for, in the order of the
// lines. Known are names that are not in the file; none, if that is all that is looked at.
func (c *Config) Warnings(known Known) []strictyaml.Fault {
	list := slices.Clone(c.warnings)
	for i := range c.unknown {
		if warning, ok := c.unknown[i].warning(known); ok {
			list = append(list, warning)
		}
	}
	for i := range c.dropped {
		list = append(list, c.dropped[i].warnings(known.Families)...)
	}
	for name, node := range c.moduleNodes {
		module := c.Modules[name]
		path := "modules." + name
		if held := module.Credentials(); len(held) > 0 && len(module.Allow()) == 0 {
			fault := strictyaml.Fault{Line: node.Line, Path: path, Detail: fmt.Sprintf(
				"holds credentials (%s), which /probe sends to any host it is asked for: list in allow the hosts that may have them; registrations cannot use it until then", strings.Join(held, ", "))}
			if file := c.moduleFiles[name]; file != "" {
				fault.Detail = "in " + file + ": " + fault.Detail
			}
			list = append(list, fault)
		}
		for _, warning := range module.Warnings() {
			inBlock := strictyaml.Join(string(module.Kind()), warning.Path)
			fault := strictyaml.Fault{Line: strictyaml.LineOf(&node, inBlock, node.Line), Path: strictyaml.Join(path, inBlock), Detail: warning.Detail}
			if file := c.moduleFiles[name]; file != "" {
				fault.Detail = "in " + file + ": " + fault.Detail
			}
			list = append(list, fault)
		}
	}
	slices.SortFunc(list, func(a, b strictyaml.Fault) int {
		return cmp.Or(a.Line-b.Line, cmp.Compare(a.Path, b.Path), cmp.Compare(a.Detail, b.Detail))
	})
	return list
}
