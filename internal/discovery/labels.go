package discovery

import (
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
)

// The labels that say something to us. All others that begin with two underscores
// are for relabelling only.
const (
	labelAddress  = "__address__"
	labelScheme   = "__scheme__"
	labelPath     = "__metrics_path__"
	labelTarget   = "__param_target"
	labelModule   = "__param_module"
	ownModule     = "__health_module__"
	labelInterval = "__health_interval__"
	labelTimeout  = "__health_timeout__"
	labelGroup    = "__health_group__"
	labelEmail    = "__health_email__"
	labelApp      = "app"
	labelInstance = "instance"
)

// special are the labels above that begin with two underscores.
var special = []string{
	labelAddress, labelScheme, labelPath, labelTarget, labelModule, ownModule, labelInterval, labelTimeout, labelGroup, labelEmail,
}

// labelSet is one target after relabelling, without what was for relabelling only.
type labelSet map[string]string

// relabelled puts what was found through the rules. The same set comes only once.
func relabelled(groups []*targetgroup.Group, rules []*relabel.Config) []labelSet {
	var sets []labelSet
	seen := map[string]bool{}
	for _, group := range groups {
		for _, target := range group.Targets {
			set := relabelOne(target, group.Labels, rules)
			if set == nil {
				continue
			}
			if k := set.key(); !seen[k] {
				seen[k] = true
				sets = append(sets, set)
			}
		}
	}
	return sets
}

// relabelOne is nil for a target that the rules drop.
func relabelOne(target, common model.LabelSet, rules []*relabel.Config) labelSet {
	b := labels.NewBuilder(labels.EmptyLabels())
	b.Set(labelScheme, "http")
	for name, value := range common {
		b.Set(string(name), string(value))
	}
	for name, value := range target {
		b.Set(string(name), string(value))
	}
	if !relabel.ProcessBuilder(b, rules...) {
		return nil
	}
	set := labelSet{}
	b.Range(func(l labels.Label) {
		if !strings.HasPrefix(l.Name, "__") || slices.Contains(special, l.Name) {
			set[strings.Clone(l.Name)] = strings.Clone(l.Value)
		}
	})
	return set
}

// key is the same for equal sets only.
func (s labelSet) key() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s)) {
		b.WriteString(name + "\xff" + s[name] + "\xff")
	}
	return b.String()
}
