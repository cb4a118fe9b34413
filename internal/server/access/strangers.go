package access

import (
	"cmp"
	"log/slog"
	"maps"
	"sync"
	"time"
)

const (
	strangerEvery = time.Hour
	maxStrangers  = 100
)

// Strangers logs the names under which requests were refused: each once an hour, and no
// more of them than anybody reads. It is for concurrent use.
type Strangers struct {
	mu   sync.Mutex
	seen map[string]time.Time // by name, when it was logged
	more time.Time            // when it was said that there are too many
}

// Note logs the name that a request was sent to, unless it was logged of late.
func (s *Strangers) Note(log *slog.Logger, id *Identity) {
	name := cmp.Or(id.Host, id.given[:min(len(id.given), 100)])
	now := time.Now()
	s.mu.Lock()
	first, full := s.note(name, now)
	s.mu.Unlock()
	switch {
	case first:
		log.Warn("a request was refused, since it was sent to a name that is not known to be one of this exporter; if it is, add it to access.hosts",
			"host", name, "from", id.peer)
	case full:
		log.Warn("requests were refused that were sent to many other names; they are not logged one by one", "names", maxStrangers)
	}
}

// note reports whether a name is to be logged, or that there are too many; mu is held.
func (s *Strangers) note(name string, now time.Time) (first, full bool) {
	if at, known := s.seen[name]; known && now.Sub(at) < strangerEvery {
		return false, false
	}
	if len(s.seen) >= maxStrangers {
		maps.DeleteFunc(s.seen, func(_ string, at time.Time) bool { return now.Sub(at) >= strangerEvery })
	}
	if len(s.seen) >= maxStrangers {
		if now.Sub(s.more) < strangerEvery {
			return false, false
		}
		s.more = now
		return false, true
	}
	if s.seen == nil {
		s.seen = map[string]time.Time{}
	}
	s.seen[name] = now
	return true, false
}
