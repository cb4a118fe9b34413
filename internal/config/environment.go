package config

import (
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/strictyaml"
)

// Environment says what /environment shows, and to whom.
type Environment struct {
	// Enabled is false if nothing is shown to anybody.
	Enabled bool
	// Sections are those that are shown.
	Sections []string
	// ShowValues names environment variables whose values are shown.
	ShowValues []string

	// TokenFile is where the secret was read that is asked for.
	TokenFile string

	token [sha256.Size]byte
}

// Allows reports whether a secret is the one that is asked for.
func (e *Environment) Allows(secret string) bool {
	hash := sha256.Sum256([]byte(secret))
	return e.Enabled && subtle.ConstantTimeCompare(hash[:], e.token[:]) == 1
}

// environmentSections are the built-in ones, in the order of the page.
var environmentSections = []string{"os", "go", "process", "config", "limits"}

type environmentSection struct {
	Enabled    bool         `yaml:"enabled"`
	TokenFile  yaml.Node    `yaml:"token_file"`
	Sections   *[]yaml.Node `yaml:"sections"`
	ShowValues []string     `yaml:"show_values"`
}

func (s *environmentSection) build(faults *strictyaml.Faults) Environment {
	e := Environment{Enabled: s.Enabled, Sections: environmentSections, ShowValues: s.ShowValues, TokenFile: s.TokenFile.Value}
	if s.Sections != nil {
		e.Sections = nil
		for _, n := range *s.Sections {
			if !slices.Contains(environmentSections, n.Value) {
				faults.Add(n.Line, "environment.sections", "%q is not a section, must be one of %s", n.Value, strings.Join(environmentSections, ", "))
				continue
			}
			e.Sections = append(e.Sections, n.Value)
		}
	}
	if !s.Enabled {
		return e
	}
	if s.TokenFile.Value == "" {
		faults.Add(s.TokenFile.Line, "environment.token_file", "is required when enabled is true: it must not be readable without a token")
		return e
	}
	secret, err := readToken(s.TokenFile.Value)
	if err != nil {
		faults.Add(s.TokenFile.Line, "environment.token_file", "%s", err)
	}
	e.token = sha256.Sum256([]byte(secret))
	return e
}
