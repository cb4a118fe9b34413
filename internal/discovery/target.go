package discovery

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/common/model"

	"github.com/health-exporter/health_exporter/prober"
)

// The reasons for which something that was found is left out.
const (
	// DropModule: there is no such module.
	DropModule = "module"
	// DropInvalid: it makes no valid target.
	DropInvalid = "invalid"
	// DropDuplicate: there is the same target twice.
	DropDuplicate = "duplicate"
	// DropLimit: there are too many.
	DropLimit = "limit"
	// DropLabel: a label of the target, not the target itself, is left out.
	DropLabel = "label"
)

// DropReasons are all of them.
func DropReasons() []string {
	return []string{DropModule, DropInvalid, DropDuplicate, DropLimit, DropLabel}
}

// drop is something that was found and left out.
type drop struct{ reason, target, detail string }

// targets makes targets of what was found, in the order of their names. kindOf tells
// the kind of a module by its name.
func (j *Job) targets(sets []labelSet, kindOf func(string) (prober.Kind, bool)) ([]prober.Target, []drop) {
	var list []prober.Target
	var drops []drop
	for _, set := range sets {
		t, left, err := j.target(set, kindOf)
		drops = append(drops, left...)
		if err != nil {
			drops = append(drops, *err)
			continue
		}
		list = append(list, t)
	}
	tellApart(list)
	slices.SortStableFunc(list, func(a, b prober.Target) int {
		return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(a.Place(), b.Place()), cmp.Compare(a.Module, b.Module))
	})
	kept := list[:0]
	most := cmp.Or(j.MaxTargets, DefaultMaxTargets)
	for i, t := range list {
		switch {
		case i > 0 && len(kept) > 0 && kept[len(kept)-1].App == t.App:
			drops = append(drops, drop{DropDuplicate, t.App, "there is another target of this name, place and module"})
		case len(kept) >= most:
			drops = append(drops, drop{DropLimit, t.App, fmt.Sprintf("the job has more than %d targets, see max_targets", most)})
		default:
			kept = append(kept, t)
		}
	}
	return kept, drops
}

// target makes one target. Its labels may lack some, which are listed.
func (j *Job) target(set labelSet, kindOf func(string) (prober.Kind, bool)) (t prober.Target, left []drop, err *drop) {
	t = j.Defaults
	t.Module = cmp.Or(set[ownModule], set[labelModule], t.Module)
	kind, known := kindOf(t.ModuleName())
	t.URL, t.Address = placeOf(set, kind)
	t.App = nameOf(set, t.Place())
	if !known {
		return t, nil, &drop{DropModule, t.App, fmt.Sprintf("there is no module %q", t.Module)}
	}
	t.Group, t.Email = cmp.Or(set[labelGroup], t.Group), cmp.Or(set[labelEmail], t.Email)
	for _, each := range []struct {
		label       string
		into        *time.Duration
		least, most time.Duration
	}{
		{labelInterval, &t.Interval, limits.MinInterval, limits.MaxInterval},
		{labelTimeout, &t.Timeout, limits.MinTimeout, limits.MaxTimeout},
	} {
		if text := set[each.label]; text != "" {
			d, bad := model.ParseDuration(text)
			if bad != nil || time.Duration(d) < each.least || time.Duration(d) > each.most {
				return t, nil, &drop{DropInvalid, t.App, fmt.Sprintf("%s: %q must be a duration between %s and %s",
					each.label, text, model.Duration(each.least), model.Duration(each.most))}
			}
			*each.into = time.Duration(d)
		}
	}
	t.Labels, left = ownLabels(set, j.Defaults.Labels, t.App)
	if faults := t.Validate(prober.FileLimits(), kindOf); len(faults) > 0 {
		return t, left, &drop{DropInvalid, t.App, faults[0].Error()}
	}
	return t, left, nil
}

// limits bind what labels say, as they bind registrations: neither comes from the
// operator.
var limits = prober.RegistrationLimits()

// placeOf is what to probe: what relabelling for a prober calls the target, or else the
// address. For modules that take a URL an address becomes one.
func placeOf(set labelSet, kind prober.Kind) (url, address string) {
	place := set[labelTarget]
	own := place == ""
	if own {
		place = set[labelAddress]
	}
	switch {
	case strings.Contains(place, "://"):
		return place, ""
	case place == "":
		return "", ""
	case kind.HostOnly():
		return "", withoutPort(place)
	case !kind.TakesURL():
		return "", place
	case !own:
		return "http://" + place, "" // the scheme and path of the labels are the prober's
	}
	path := set[labelPath]
	if path != "" && !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return cmp.Or(set[labelScheme], "http") + "://" + place + path, ""
}

// withoutPort leaves the host: one pings no port.
func withoutPort(place string) string {
	i := strings.LastIndexByte(place, ':')
	switch {
	case strings.HasPrefix(place, "[") && strings.Contains(place, "]"):
		return place[1:strings.Index(place, "]")]
	case i < 0 || strings.Count(place, ":") > 1:
		return place
	}
	return place[:i]
}

// reserved are the labels that health_target_info or Prometheus itself sets. They are
// kept under another name, as Prometheus keeps labels that clash.
var reserved = []string{"target", "url", "module", "source", "group", "email", "state", "job"}

const (
	maxLabels    = 10
	maxLabelText = 128
)

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// ownLabels are the labels shown with the target: the job's, and what was found. What
// goes beyond the limits is left out.
func ownLabels(set labelSet, given map[string]string, app string) (map[string]string, []drop) {
	own := maps.Clone(given)
	var left []drop
	for _, name := range slices.Sorted(maps.Keys(set)) {
		value := set[name]
		if strings.HasPrefix(name, "__") || name == labelApp || name == labelInstance || value == "" {
			continue
		}
		if slices.Contains(reserved, name) {
			name = "exported_" + name
		}
		_, replaces := own[name]
		switch {
		case !labelName.MatchString(name) || utf8.RuneCountInString(value) > maxLabelText ||
			!utf8.ValidString(value) || strings.ContainsFunc(value, prober.NotPrintable):
			left = append(left, drop{DropLabel, app, fmt.Sprintf("the label %q has an invalid name, or a value that is not printable or longer than %d characters", name, maxLabelText)})
		case len(own) >= maxLabels && !replaces:
			left = append(left, drop{DropLabel, app, fmt.Sprintf("the label %q is one more than %d", name, maxLabels)})
		default:
			if own == nil {
				own = map[string]string{}
			}
			own[name] = value
		}
	}
	return own, left
}
