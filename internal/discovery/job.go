package discovery

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/health-exporter/health_exporter/prober"
)

// Job says where to look for targets and what to make of what is found. It is
// immutable.
type Job struct {
	// Name identifies the job.
	Name string
	// Mechanisms are where to look.
	Mechanisms []Mechanism
	// Relabel are the rules that change, keep or drop what is found.
	Relabel []*relabel.Config
	// Defaults are what a target is that says nothing else: module, interval, …
	Defaults prober.Target
	// MaxTargets bounds the targets of each mechanism; 0 means DefaultMaxTargets.
	MaxTargets int
}

// DefaultMaxTargets is the bound of jobs that name none.
const DefaultMaxTargets = 10_000

// Mechanism is one way to look, with all its configurations in the job.
type Mechanism struct {
	// Name is "file_sd", "http_sd", …
	Name    string
	Configs []Config
}

// Config is one configuration of a mechanism.
type Config struct {
	discovery.Config
	// Text reports whether two configurations are the same.
	Text string
}

// sum stands for the text, in which there may be secrets.
func (c *Config) sum() string {
	sum := sha256.Sum256([]byte(c.Text))
	return hex.EncodeToString(sum[:8])
}

// source is the name under which the targets of a mechanism are known.
func (j *Job) source(m *Mechanism) prober.Source { return prober.SourceOfJob(m.Name, j.Name) }
