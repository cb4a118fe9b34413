package config

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/strictyaml"
)

// Access says who may see and do what.
type Access struct {
	// Read is "open" or "token"; Debug is "open", "local" or "token".
	Read, Debug string
	// LocalTrust is false if requests from the exporter's own host may no more than
	// others, since a proxy there asks for anybody.
	LocalTrust bool
	// Proxies are who may say on whose behalf they ask.
	Proxies []netip.Prefix
	// Hosts are names of the exporter, in lower case, and *.domain for all below one.
	Hosts []string
}

// The rights of tokens.
var (
	allRights     = []string{"read", "write", "admin", "debug"}
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
	Read       yaml.Node   `yaml:"read"`
	Debug      yaml.Node   `yaml:"debug"`
	LocalTrust *bool       `yaml:"local_trust"`
	Proxies    []yaml.Node `yaml:"proxies"`
	Hosts      []yaml.Node `yaml:"hosts"`
}

func (s *accessSection) build(r *Registration, d *decoder) Access {
	faults := d.Faults
	a := Access{
		Read: "open", Debug: "local", LocalTrust: s.LocalTrust == nil || *s.LocalTrust,
		Proxies: d.networks(s.Proxies, "access.proxies"), Hosts: readAll(d, s.Hosts, "access.hosts", parseHost),
	}
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
		faults.Add(s.Read.Line, "access.read", "is token, but no token has the right to read (registration.tokens), so nobody could")
	}
	if a.Debug == "token" && !someHas("debug") {
		faults.Add(s.Debug.Line, "access.debug", "is token, but no token has the right debug (registration.tokens[].rights), so nobody could")
	}
	return a
}

// parseHost reads a name that the exporter is asked by, or *.domain, in the form that
// browsers send.
func parseHost(text string) (host, warning string, err error) {
	domain, wild := strings.CutPrefix(strings.TrimSuffix(text, "."), "*.")
	bad := func(why string) (string, string, error) {
		return "", "", fmt.Errorf("%q is not a valid name, such as health.example.org, or *.example.org for all below it%s", text, why)
	}
	if _, err := netip.ParseAddr(strings.Trim(domain, "[]")); err == nil {
		return bad("; addresses need not be listed")
	}
	if strings.ContainsAny(domain, ":/@") {
		return bad("; neither port, nor scheme, nor path")
	}
	name := strings.ToLower(domain)
	if strings.ContainsFunc(domain, func(c rune) bool { return c > unicode.MaxASCII }) {
		var err error
		if name, err = idna.Lookup.ToASCII(domain); err != nil {
			return bad("")
		}
	}
	if !validHost.MatchString(name) || len(name) > 253 {
		return bad("")
	}
	if wild {
		name = "*." + name
	}
	return name, "", nil
}

var validHost = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$`)

// Notes are what is as it should be, but not what everybody expects.
func (c *Config) Notes() []string {
	var own []string
	for _, t := range c.Registration.Tokens {
		if slices.Contains(t.Rights, "write") && !slices.Contains(t.Rights, "admin") {
			own = append(own, strconv.Quote(t.Name))
		}
	}
	if len(own) == 0 {
		return nil
	}
	return []string{fmt.Sprintf(`registration.tokens: who has the right "write" without "admin" (%s) changes, pauses and silences his own targets only`,
		strings.Join(own, ", "))}
}

// rights are those that a token is given, in the order of allRights.
func (t *tokenSection) rights(token string, faults *strictyaml.Faults) []string {
	if t.Rights == nil {
		return defaultRights
	}
	path := token + ".rights"
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
		faults.Add(t.Name.Line, path, "is empty, so the token is useless; must have some of %s", strings.Join(allRights, ", "))
	}
	return slices.DeleteFunc(slices.Clone(allRights), func(right string) bool { return !given[right] })
}
