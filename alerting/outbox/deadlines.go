package outbox

import (
	"container/heap"
	"time"
)

// deadlines say when to look at subjects again, soonest first. A subject may be in it
// several times; whoever looks too early finds nothing to do.
type deadlines []deadline

type deadline struct {
	at  time.Time
	key string
}

// add asks for a look at a subject; zero for none.
func (d *deadlines) add(key string, at time.Time) {
	if !at.IsZero() {
		heap.Push(d, deadline{at, key})
	}
}

// take gives the keys of those that are due, each once.
func (d *deadlines) take(now time.Time) map[string]bool {
	var keys map[string]bool
	for len(*d) > 0 && !(*d)[0].at.After(now) {
		if keys == nil {
			keys = map[string]bool{}
		}
		if next, ok := heap.Pop(d).(deadline); ok {
			keys[next.key] = true
		}
	}
	return keys
}

// next is the time to the first; long if there is none.
func (d *deadlines) next(now time.Time) time.Duration {
	if len(*d) == 0 {
		return time.Minute
	}
	return max(0, (*d)[0].at.Sub(now))
}

func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i].at.Before(d[j].at) }
func (d deadlines) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }

// Push is for the heap.
func (d *deadlines) Push(x any) {
	if one, ok := x.(deadline); ok {
		*d = append(*d, one)
	}
}

// Pop is for the heap.
func (d *deadlines) Pop() any {
	last := len(*d) - 1
	one := (*d)[last]
	(*d)[last] = deadline{}
	*d = (*d)[:last]
	return one
}
