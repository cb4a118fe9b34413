// Package sorted has lists in the order of names, of which a changed one costs what
// changes: readers have theirs without a lock, however long they look at it.
package sorted

import (
	"iter"
	"slices"
	"strings"
)

// maxRun bounds how many values are copied for a change of one of them.
const maxRun = 512

// List is a list of values, each with a name of its own, sorted by it. A List does not
// change: With makes another one, which shares with it what both have.
type List[T any] struct {
	name func(T) string
	runs [][]T // each sorted and not empty, one after the other; none is ever written to
	size int
}

// Of makes the list of these values, sorted or not. No two may have the same name.
func Of[T any](name func(T) string, values []T) List[T] {
	values = slices.Clone(values)
	byName := func(a, b T) int { return strings.Compare(name(a), name(b)) }
	if !slices.IsSortedFunc(values, byName) {
		slices.SortFunc(values, byName)
	}
	l := List[T]{name: name, size: len(values)}
	for run := range slices.Chunk(values, maxRun/2) {
		l.runs = append(l.runs, run)
	}
	return l
}

// Len is how many values there are.
func (l List[T]) Len() int { return l.size }

// All are the values in order.
func (l List[T]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, run := range l.runs {
			for _, v := range run {
				if !yield(v) {
					return
				}
			}
		}
	}
}

// Slice are the values in order, in a slice of the caller's own.
func (l List[T]) Slice() []T { return slices.AppendSeq(make([]T, 0, l.size), l.All()) }

// Get finds a value by its name.
func (l List[T]) Get(name string) (v T, ok bool) {
	if len(l.runs) == 0 {
		return v, false
	}
	run := l.runs[l.runOf(name)]
	i, ok := l.search(run, name)
	if ok {
		v = run[i]
	}
	return v, ok
}

// With is the list without those that are named, and then with these values, in place of
// those of the same names.
func (l List[T]) With(put []T, without []string) List[T] {
	if changes := len(put) + len(without); changes > maxRun && changes > l.size/8 {
		return l.anew(put, without)
	}
	l.runs = slices.Clone(l.runs)
	for _, name := range without {
		l.remove(name)
	}
	for _, v := range put {
		l.put(v)
	}
	return l
}

// anew is With for so many changes that it pays to make everything anew.
func (l List[T]) anew(put []T, without []string) List[T] {
	others := make(map[string]struct{}, len(put)+len(without))
	values := make([]T, 0, l.size+len(put))
	for _, v := range slices.Backward(put) { // of two with one name the last would have stayed
		if _, dup := others[l.name(v)]; !dup {
			others[l.name(v)] = struct{}{}
			values = append(values, v)
		}
	}
	for _, name := range without {
		others[name] = struct{}{}
	}
	for v := range l.All() {
		if _, is := others[l.name(v)]; !is {
			values = append(values, v)
		}
	}
	return Of(l.name, values)
}

// runOf is the run that has the name, if any has. There must be one.
func (l *List[T]) runOf(name string) int {
	i, found := slices.BinarySearchFunc(l.runs, name, func(run []T, name string) int { return strings.Compare(l.name(run[0]), name) })
	if found {
		return i
	}
	return max(i-1, 0)
}

func (l *List[T]) search(run []T, name string) (int, bool) {
	return slices.BinarySearchFunc(run, name, func(v T, name string) int { return strings.Compare(l.name(v), name) })
}

func (l *List[T]) put(v T) {
	if len(l.runs) == 0 {
		l.runs, l.size = [][]T{{v}}, 1
		return
	}
	at := l.runOf(l.name(v))
	old := l.runs[at]
	i, found := l.search(old, l.name(v))
	rest := old[i:]
	if found {
		rest = rest[1:]
	} else {
		l.size++
	}
	run := slices.Concat(old[:i], []T{v}, rest)
	if len(run) <= maxRun {
		l.runs[at] = run
		return
	}
	half := len(run) / 2
	l.runs[at] = run[:half:half]
	l.runs = slices.Insert(l.runs, at+1, run[half:])
}

func (l *List[T]) remove(name string) {
	if len(l.runs) == 0 {
		return
	}
	at := l.runOf(name)
	old := l.runs[at]
	i, found := l.search(old, name)
	if !found {
		return
	}
	l.size--
	l.runs[at] = slices.Concat(old[:i], old[i+1:])
	l.join(at)
	l.join(at - 1)
}

// join makes one run of the one there and the next, if both are there and short: short
// runs must not pile up.
func (l *List[T]) join(at int) {
	switch {
	case at < 0 || at >= len(l.runs):
	case len(l.runs[at]) == 0:
		l.runs = slices.Delete(l.runs, at, at+1)
	case at+1 < len(l.runs) && len(l.runs[at])+len(l.runs[at+1]) <= maxRun/2:
		l.runs[at] = slices.Concat(l.runs[at], l.runs[at+1])
		l.runs = slices.Delete(l.runs, at+1, at+2)
	}
}
