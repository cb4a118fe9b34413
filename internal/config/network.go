package config

import (
	"net/netip"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/strictyaml"
	"github.com/health-exporter/health_exporter/prober"
)

// networkSection bounds where ad-hoc probes and registered targets may connect to.
type networkSection struct {
	Allow []yaml.Node `yaml:"allow"`
	Deny  []yaml.Node `yaml:"deny"`
	// Loopback are the places of this host that others may have probed.
	Loopback []yaml.Node `yaml:"loopback"`
}

func (s *networkSection) build(d *decoder) *prober.NetworkPolicy {
	return &prober.NetworkPolicy{
		Allow:    readAll(d, s.Allow, "network.allow", prober.ParseNetworkRule),
		Deny:     readAll(d, s.Deny, "network.deny", prober.ParseNetworkRule),
		Loopback: readAll(d, s.Loopback, "network.loopback", prober.ParseNetworkRule),
	}
}

// networks reads a list of networks; nobody is in an empty one.
func (d *decoder) networks(nodes []yaml.Node, path string) []netip.Prefix {
	return readAll(d, nodes, path, prober.ParseNetwork)
}

// readAll reads a list of texts, and notes what is wrong with each and what else there
// is to say.
func readAll[T any](d *decoder, nodes []yaml.Node, path string, read func(string) (value T, warning string, err error)) []T {
	var list []T
	for i := range nodes {
		n := &nodes[i]
		if n.Kind != yaml.ScalarNode {
			d.Faults.Add(n.Line, path, "must be a text, not %s", strictyaml.Found(n))
			continue
		}
		value, warning, err := read(n.Value)
		if err != nil {
			d.Faults.Add(n.Line, path, "%s", err)
			continue
		}
		if warning != "" {
			d.warn(n.Line, path, "%s", warning)
		}
		list = append(list, value)
	}
	return list
}
