package config

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/netip"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/strictyaml"
	"github.com/health-exporter/health_exporter/prober"
)

// Config is a validated configuration. It is immutable.
type Config struct {
	// File is where it came from; empty for the built-in defaults.
	File string
	// Options are command line options given in the file, by the flags' names.
	Options map[string]string
	// Modules are the built-in modules and the file's own.
	Modules map[string]*prober.Module
	// Targets are the file's, complete and valid, in the order of the file.
	Targets []prober.Target
	// Discovery says where to look for more targets.
	Discovery Discovery
	// Checks are the exporter's in-process checks, in the order of the file.
	Checks []Check
	// Alerting says whom the exporter itself notifies of changes, and Maintenance when it
	// does not.
	Alerting    Alerting
	Maintenance []Maintenance
	// Public says what everybody may see on pages of its own; nil for nothing.
	Public *Public
	// Metrics says what /metrics leaves out.
	Metrics Metrics
	// Environment says who may see what the exporter runs on.
	Environment Environment
	// Registration says who may register what.
	Registration Registration
	// Access says who may see and do what.
	Access Access
	// Network bounds where /probe and registered targets may connect to.
	Network *prober.NetworkPolicy

	root        *yaml.Node           // the file parsed; nil when that is over
	moduleNodes map[string]yaml.Node // the file's modules, those of modules_files too
	moduleFiles map[string]string    // where a module of modules_files stands

	warnings []strictyaml.Fault // of what is not a module
	unknown  []unknownName      // names that nothing in the file has
	dropped  []droppedFamily    // metrics.drop
}

// KindOf returns the kind of a module by its name.
func (c *Config) KindOf(module string) (kind prober.Kind, ok bool) {
	m, ok := c.Modules[module]
	if !ok {
		return "", false
	}
	return m.Kind(), true
}

// Registration says who may register what.
type Registration struct {
	// Enabled is false if nobody may register anything.
	Enabled bool
	// Tokens are who may register from anywhere.
	Tokens []Token
	// Networks are from where one may register without a token.
	Networks []netip.Prefix
	// AllowedEmails are addresses, or @domains, that registrations may have mailed.
	AllowedEmails []string
	// MaxTargets and MaxTargetsPerOwner bound the registry.
	MaxTargets, MaxTargetsPerOwner int
	// MaxTargetsPerAddress bounds what an address registers without a token, Rate (a
	// second) and Burst how fast it does; 0 for no bound.
	MaxTargetsPerAddress int
	Rate                 float64
	Burst                int
}

// Token is the secret of one registrant. Only its hash is kept.
type Token struct {
	Name string
	// Rights are some of read, write, admin and debug.
	Rights []string
	// TokenFile is where its secret was read.
	TokenFile string

	hash [sha256.Size]byte
}

// NewToken makes a token of its secret, with the rights to read and to write.
func NewToken(name, secret string) Token {
	return Token{Name: name, Rights: defaultRights, hash: sha256.Sum256([]byte(secret))}
}

// Bearer finds the registrant who holds the secret.
func (r *Registration) Bearer(secret string) (name string, ok bool) {
	hash := sha256.Sum256([]byte(secret))
	for _, t := range r.Tokens { // all of them, so that the time tells nothing
		if subtle.ConstantTimeCompare(hash[:], t.hash[:]) == 1 {
			name, ok = t.Name, true
		}
	}
	return name, ok
}

// Trusts reports whether one may register from the address without a token.
func (r *Registration) Trusts(from netip.Addr) bool {
	from = from.Unmap().WithZone("")
	for _, p := range r.Networks {
		if p.Contains(from) {
			return true
		}
	}
	return false
}

// AllowsEmail reports whether a registered address may be mailed: it is listed, or
// its domain is, as @example.org, which stands for no sub-domain.
func (r *Registration) AllowsEmail(address string) bool {
	_, domain, _ := strings.Cut(address, "@")
	for _, allowed := range r.AllowedEmails {
		if address == allowed || allowed == "@"+domain {
			return true
		}
	}
	return false
}

// Defaults of the registration section.
const (
	DefaultMaxTargets         = 10_000
	DefaultMaxTargetsPerOwner = 10_000

	DefaultMaxTargetsPerAddress = 1000
	DefaultRegistrationRate     = 10
	DefaultRegistrationBurst    = 100

	maxRegistrationRate = 1_000_000
)

// defaultNetworks are loopback and the private networks.
func defaultNetworks() []netip.Prefix {
	var list []netip.Prefix
	for _, text := range []string{
		"127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10",
	} {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}
