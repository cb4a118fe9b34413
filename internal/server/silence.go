package server

import (
	"slices"
	"time"

	"github.com/health-exporter/health_exporter/internal/names"
	"github.com/health-exporter/health_exporter/internal/server/access"
	"github.com/health-exporter/health_exporter/prober"
)

const othersMaintenance = `maintenance of what is not your own needs a token with the right "admin" (registration.tokens.rights), ` +
	"or a request from the exporter's own host; of your own, name each target"

// maySilence reports whether somebody may have nothing told of what maintenance covers:
// whoever may register must not be able to silence others.
func (s *server) maySilence(id *access.Identity, m *Maintenance) bool {
	if id.May(access.Admin) {
		return true
	}
	return len(m.Targets) > 0 && len(m.Groups) == 0 && !slices.ContainsFunc(m.Targets, func(name string) bool {
		t, known := s.Registry.Target(name)
		return !known || !owns(id, t) || s.isCheck(name)
	})
}

// mayEnd is maySilence for maintenance that was added before, and perhaps names targets
// that are gone. There need not be any of the name.
func (s *server) mayEnd(id *access.Identity, name string) bool {
	if id.May(access.Admin) {
		return true
	}
	for _, m := range s.Maintenance.List(time.Now()) {
		if m.Source != prober.SourceAPI || m.Name != name {
			continue
		}
		return len(m.Targets) > 0 && len(m.Groups) == 0 && !slices.ContainsFunc(m.Targets, func(pattern string) bool {
			name, one := names.Name(pattern)
			t, known := s.Registry.Target(name)
			return !one || known && !owns(id, t) || s.isCheck(name)
		})
	}
	return true
}

// isCheck reports whether a name in maintenance covers more than the target of that
// name: it is that of a check too.
func (s *server) isCheck(name string) bool {
	_, known := s.Checks.Status(name)
	return known
}

// quoted are the patterns that match just the names.
func quoted(list []string) []string {
	patterns := make([]string, len(list))
	for i, name := range list {
		patterns[i] = names.Quote(name)
	}
	return patterns
}
