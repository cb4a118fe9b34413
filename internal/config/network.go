package config

import (
	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/strictyaml"
	"github.com/health-exporter/health_exporter/prober"
)

type networkSection struct {
	Allow []yaml.Node `yaml:"allow"`
	Deny  []yaml.Node `yaml:"deny"`
}

func (s *networkSection) build(faults *strictyaml.Faults) *prober.NetworkPolicy {
	return &prober.NetworkPolicy{
		Allow: networkRules(s.Allow, "network.allow", faults),
		Deny:  networkRules(s.Deny, "network.deny", faults),
	}
}

func networkRules(nodes []yaml.Node, path string, faults *strictyaml.Faults) []prober.NetworkRule {
	var list []prober.NetworkRule
	for _, n := range nodes {
		rule, err := prober.ParseNetworkRule(n.Value)
		if err != nil {
			faults.Add(n.Line, path, "%s", err)
			continue
		}
		list = append(list, rule)
	}
	return list
}
