package prober

import (
	"cmp"
	"slices"
	"strings"
)

// Source says who told of a target: how, and if there can be several of that, after a
// colon which one (file_sd:lan).
type Source string

// The sources of which there is one.
const (
	SourceConfig  Source = "config"  // the operator wrote it down
	SourceAPI     Source = "api"     // it was registered
	SourceCluster Source = "cluster" // another exporter told of it
	SourceMDNS    Source = "mdns"    // it announces itself on the network
)

// sdSuffix ends the names of Prometheus' mechanisms of service discovery.
const sdSuffix = "_sd"

// precedence is the order in which sources win: what the operator wrote down,
// what was registered on purpose, then what was merely discovered. Unknown sources
// come last, in alphabetical order.
var precedence = []Source{
	SourceConfig, SourceAPI, SourceCluster,
	"static_sd", "file_sd", "http_sd", "dns_sd", "kubernetes_sd", "consul_sd", SourceMDNS,
}

// SourceOfJob is the source of what a job finds by a mechanism such as file_sd.
func SourceOfJob(mechanism, job string) Source { return Source(mechanism + ":" + job) }

// Job is the job that finds the targets of the source, if it is one of service discovery.
func (s Source) Job() (name string, ok bool) {
	how, which, _ := strings.Cut(string(s), ":")
	return which, strings.HasSuffix(how, sdSuffix)
}

// Compare is negative if a target of this source wins over one of the same name of
// another, and zero for the same source.
func (s Source) Compare(other Source) int {
	return cmp.Or(cmp.Compare(s.rank(), other.rank()), strings.Compare(string(s), string(other)))
}

func (s Source) rank() int {
	how, _, _ := strings.Cut(string(s), ":")
	if i := slices.Index(precedence, Source(how)); i >= 0 {
		return i
	}
	return len(precedence)
}

// Stored reports whether targets of the source are kept on disk, and put and removed one
// by one over the API. All others are read as a whole, again after each start.
func (s Source) Stored() bool { return s == SourceAPI }

// ByOperator reports whether the operator himself wrote the targets down: they need
// nobody's leave.
func (s Source) ByOperator() bool { return s == SourceConfig }

// Vanishes reports whether targets that the source no longer names are gone by
// themselves. For the others somebody has taken them out: from the file, or from the
// list or zone that a job reads; and what another exporter has taken over is not gone.
func (s Source) Vanishes() bool { return s == SourceMDNS }
