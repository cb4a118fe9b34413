package config

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/strictyaml"
)

// Access says what may be seen without a token.
type Access struct {
	// Read is "open" or "token"; Debug is "open", "local" or "token".
	Read, Debug string
}

// The rights of tokens.
var (
	allRights     = []string{"read", "write", "debug"}
	defaultRights = []string{"read", "write"}
)

// Has reports whether the token of that name has a right.
func (r *Registration) Has(name, right string) bool {
	for _, t := range r.Tokens {
		if t.Name == name {
			return slices.Contains(t.Rights, right)
		}
	}
	return false
}

type accessSection struct {
	Read  yaml.Node `yaml:"read"`
	Debug yaml.Node `yaml:"debug"`
}

func (s *accessSection) build(r *Registration, faults *strictyaml.Faults) Access {
	a := Access{Read: "open", Debug: "open"}
	choose := func(path string, n *yaml.Node, into *string, allowed ...string) {
		switch {
		case n.IsZero():
		case !slices.Contains(allowed, n.Value):
			faults.Add(n.Line, path, "must be one of %s, not %s", strings.Join(allowed, ", "), strictyaml.Found(n))
		default:
			*into = n.Value
		}
	}
	choose("access.read", &s.Read, &a.Read, "open", "token")
	choose("access.debug", &s.Debug, &a.Debug, "open", "local", "token")
	someHas := func(right string) bool {
		return slices.ContainsFunc(r.Tokens, func(t Token) bool { return slices.Contains(t.Rights, right) })
	}
	if a.Read == "token" && !someHas("read") {
		faults.Add(s.Read.Line, "access.read", "is token, but no token has the right to read (registration.tokens), so that nobody could")
	}
	if a.Debug == "token" && !someHas("debug") {
		faults.Add(s.Debug.Line, "access.debug", "is token, but no token has the right debug (registration.tokens[].rights), so that nobody could")
	}
	return a
}

// rights are those that a token is given, in the order of allRights.
func (t *tokenSection) rights(faults *strictyaml.Faults) []string {
	if t.Rights == nil {
		return defaultRights
	}
	const path = "registration.tokens.rights"
	given := map[string]bool{}
	for _, n := range *t.Rights {
		switch {
		case !slices.Contains(allRights, n.Value):
			faults.Add(n.Line, path, "%s is not a right, must be one of %s", strictyaml.Found(&n), strings.Join(allRights, ", "))
		case given[n.Value]:
			faults.Add(n.Line, path, "%q is given twice", n.Value)
		}
		given[n.Value] = true
	}
	if len(given) == 0 {
		faults.Add(t.Name.Line, path, "is empty, so that the token is good for nothing; must have some of %s", strings.Join(allRights, ", "))
	}
	return slices.DeleteFunc(slices.Clone(allRights), func(right string) bool { return !given[right] })
}
