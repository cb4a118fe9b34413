package config

import (
	"os"
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

const minTokenLength = 16

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
			faults.Add(0, "registration."+bound.name, "must not be negative")
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
	for _, t := range s.Tokens {
		name, file := t.Name.Value, t.TokenFile.Value
		line := max(t.Name.Line, t.TokenFile.Line)
		if name == "" {
			faults.Add(line, "registration.tokens.name", "is required")
		}
		if names[name] {
			faults.Add(line, "registration.tokens.name", "%q is given twice", name)
		}
		names[name] = true
		rights := t.rights(faults)
		secret, err := os.ReadFile(file)
		trimmed := strings.TrimSpace(string(secret))
		switch {
		case file == "":
			faults.Add(line, "registration.tokens.token_file", "is required")
		case err != nil:
			faults.Add(t.TokenFile.Line, "registration.tokens.token_file", "%s", err)
		case len(trimmed) < minTokenLength:
			faults.Add(t.TokenFile.Line, "registration.tokens.token_file",
				"the token in %s has %d characters, must have at least %d", file, len(trimmed), minTokenLength)
		default:
			token := NewToken(name, trimmed)
			token.Rights, token.TokenFile = rights, file
			list = append(list, token)
		}
	}
	return list
}
