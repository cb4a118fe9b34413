package outbox

import (
	"maps"
	"slices"

	"github.com/health-exporter/health_exporter/alerting"
)

// changes are what is written together.
type changes struct {
	add      []entry
	drop     []uint64
	remember map[string]alerting.Memory
	forget   map[string]bool
	cursor   *cursor // nil leaves it as it is

	written bool // or err says why not
	err     error
}

func newChanges() *changes {
	return &changes{remember: map[string]alerting.Memory{}, forget: map[string]bool{}}
}

func (c *changes) empty() bool {
	return len(c.add) == 0 && len(c.drop) == 0 && len(c.remember) == 0 && len(c.forget) == 0 && c.cursor == nil
}

// then is both, one after the other.
func (c *changes) then(next *changes) *changes {
	if c == nil {
		return next
	}
	both := newChanges()
	both.cursor = c.cursor
	if next.cursor != nil {
		both.cursor = next.cursor
	}
	both.drop = slices.Concat(c.drop, next.drop)
	gone := map[uint64]bool{}
	for _, seq := range both.drop {
		gone[seq] = true
	}
	both.add = slices.DeleteFunc(slices.Concat(c.add, next.add), func(e entry) bool { return gone[e.Seq] })
	for _, each := range []*changes{c, next} {
		for key := range each.forget {
			both.forget[key] = true
			delete(both.remember, key)
		}
		for key := range each.remember {
			delete(both.forget, key)
		}
		maps.Copy(both.remember, each.remember)
	}
	return both
}
