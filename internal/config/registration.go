package config

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/strictyaml"
	"github.com/health-exporter/health_exporter/prober"
)

type registrationSection struct {
	Enabled            bool           `yaml:"enabled"`
	Tokens             []tokenSection `yaml:"tokens"`
	Networks           *[]yaml.Node   `yaml:"networks"`
	AllowedEmails      []yaml.Node    `yaml:"allowed_emails"`
	MaxTargets         int            `yaml:"max_targets"`
	MaxTargetsPerOwner int            `yaml:"max_targets_per_owner"`

	MaxTargetsPerAddress int     `yaml:"max_targets_per_address"`
	Rate                 float64 `yaml:"rate"`
	Burst                int     `yaml:"burst"`
}

type tokenSection struct {
	Name      yaml.Node    `yaml:"name"`
	TokenFile yaml.Node    `yaml:"token_file"`
	Rights    *[]yaml.Node `yaml:"rights"`
}

func (s *registrationSection) setDefaults() {
	s.Enabled, s.MaxTargets, s.MaxTargetsPerOwner = true, DefaultMaxTargets, DefaultMaxTargetsPerOwner
	s.MaxTargetsPerAddress, s.Rate, s.Burst = DefaultMaxTargetsPerAddress, DefaultRegistrationRate, DefaultRegistrationBurst
}

func (s *registrationSection) build(d *decoder) Registration {
	faults := d.Faults
	r := Registration{
		Enabled: s.Enabled, MaxTargets: s.MaxTargets, MaxTargetsPerOwner: s.MaxTargetsPerOwner,
		MaxTargetsPerAddress: s.MaxTargetsPerAddress, Rate: s.Rate, Burst: s.Burst,
	}
	for _, bound := range []struct {
		name  string
		value int
	}{
		{"max_targets", r.MaxTargets},
		{"max_targets_per_owner", r.MaxTargetsPerOwner},
		{"max_targets_per_address", r.MaxTargetsPerAddress},
		{"burst", r.Burst},
	} {
		if bound.value < 0 {
			faults.Add(0, "registration."+bound.name, "must not be negative, as %d", bound.value)
		}
	}
	if !(r.Rate >= 0 && r.Rate <= maxRegistrationRate) { // nor is .nan
		faults.Add(0, "registration.rate", "must be between 0 and %d registrations a second, not %v; 0 is for no bound", maxRegistrationRate, r.Rate)
	}
	r.Networks = defaultNetworks()
	if s.Networks != nil {
		r.Networks = d.networks(*s.Networks, "registration.networks")
	}
	r.AllowedEmails = allowedEmails(s.AllowedEmails, faults)
	r.Tokens = s.tokens(faults)
	return r
}

func allowedEmails(nodes []yaml.Node, faults *strictyaml.Faults) []string {
	var list []string
	for _, n := range nodes {
		address := n.Value
		if strings.HasPrefix(address, "@") {
			address = "x" + address // a whole domain
		}
		parsed, err := prober.ParseEmail(address)
		if err != nil {
			faults.Add(n.Line, "registration.allowed_emails",
				"%s is neither an address (me@example.org) nor a domain (@example.org)", strictyaml.Found(&n))
			continue
		}
		if strings.HasPrefix(n.Value, "@") {
			parsed = parsed[1:]
		}
		list = append(list, parsed)
	}
	return list
}

func (s *registrationSection) tokens(faults *strictyaml.Faults) []Token {
	var list []Token
	names := map[string]bool{}
	for i, t := range s.Tokens {
		name, file := t.Name.Value, t.TokenFile.Value
		line := max(t.Name.Line, t.TokenFile.Line)
		path := fmt.Sprintf("registration.tokens[%d]", i)
		if name == "" {
			faults.Add(line, path+".name", "is required")
		}
		if names[name] {
			faults.Add(line, path+".name", "%q is given twice", name)
		}
		names[name] = true
		rights := t.rights(path, faults)
		if file == "" {
			faults.Add(line, path+".token_file", "is required")
			continue
		}
		secret, err := readToken(file)
		if err != nil {
			faults.Add(t.TokenFile.Line, path+".token_file", "%s", err)
			continue
		}
		token := NewToken(name, secret)
		token.Rights, token.TokenFile = rights, file
		list = append(list, token)
	}
	return list
}
