package durable

import "bytes"

// between are the keys that may follow: in rising order, from one on and before another;
// nil for no such bound.
type between struct {
	from, before []byte
	past         bool // from is a key that has been, and must not come again
}

// next reports whether a key may follow, and takes it for the one before the next.
func (b *between) next(key []byte) bool {
	order := bytes.Compare(b.from, key)
	good := (b.from == nil || order < 0 || order == 0 && !b.past) && (b.before == nil || bytes.Compare(key, b.before) < 0)
	b.from, b.past = key, true
	return good
}
