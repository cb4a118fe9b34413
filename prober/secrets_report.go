package prober

import (
	"maps"
	"slices"

	"github.com/health-exporter/health_exporter/envinfo/redact"
	"github.com/health-exporter/health_exporter/health"
)

// scrubReport takes out of a report what the module has sent, what is a secret by its
// form, and what cannot be seen: its texts become labels of metrics, and are shown and sent
// to people.
func (m *Module) scrubReport(r *health.Report) {
	if r == nil {
		return
	}
	clean := func(text string) string {
		if m.secrets != nil {
			text = m.secrets.Replace(text)
		}
		return visible(redact.Text(text))
	}
	for _, text := range []*string{&r.Version, &r.ReleaseID, &r.ServiceID, &r.Description, &r.Output} {
		*text = clean(*text)
	}
	for i, note := range r.Notes {
		r.Notes[i] = clean(note)
	}
	for _, key := range slices.Collect(maps.Keys(r.Checks)) {
		list := r.Checks[key]
		for i := range list {
			each := &list[i]
			for _, text := range []*string{&each.ComponentID, &each.ComponentType, &each.ObservedUnit, &each.Output} {
				*text = clean(*text)
			}
			each.ObservedValue = scrubValue(each.ObservedValue, clean)
		}
		if shown := clean(key); shown != key {
			delete(r.Checks, key)
			r.Checks[shown] = append(r.Checks[shown], list...)
		}
	}
}

// scrubValue cleans the texts in a value of JSON, in place where it can.
func scrubValue(value any, clean func(string) string) any {
	switch v := value.(type) {
	case string:
		return clean(v)
	case []any:
		for i, each := range v {
			v[i] = scrubValue(each, clean)
		}
	case map[string]any:
		return scrubMapping(v, clean)
	}
	return value
}

// scrubMapping also masks what is a secret by its name alone.
func scrubMapping(from map[string]any, clean func(string) string) map[string]any {
	to := make(map[string]any, len(from))
	for name, each := range from {
		if text, ok := each.(string); ok && text != "" && redact.Name(name) {
			each = hidden
		}
		to[clean(name)] = scrubValue(each, clean)
	}
	return to
}
