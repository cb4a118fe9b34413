package sorted

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

type pair struct {
	key   string
	value int
}

func key(p pair) string { return p.key }

// sameAs compares a list with what it ought to have, and looks whether its runs are as
// the code relies on.
func sameAs(t *testing.T, l List[pair], want map[string]int) {
	t.Helper()
	values := slices.SortedFunc(maps.Keys(want), cmp.Compare)
	got := l.Slice()
	if l.Len() != len(values) || len(got) != len(values) {
		t.Fatalf("%d values, and a slice of %d, instead of %d", l.Len(), len(got), len(values))
	}
	for i, name := range values {
		if got[i] != (pair{name, want[name]}) {
			t.Fatalf("value %d is %v instead of %s=%d", i, got[i], name, want[name])
		}
		if v, ok := l.Get(name); !ok || v.value != want[name] {
			t.Fatalf("%s is %v, %v", name, v, ok)
		}
	}
	for i, run := range l.runs {
		if len(run) == 0 || len(run) > maxRun {
			t.Fatalf("run %d of %d has %d values", i, len(l.runs), len(run))
		}
	}
}

func TestListIsWhatAMapWouldBe(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	l, want := Of(key, nil), map[string]int{}
	sameAs(t, l, want)
	for round := range 400 {
		before, then := l, maps.Clone(want)
		most := []int{1, 3, 40, 2000}[round%4]
		var put []pair
		var without []string
		for range random.IntN(most + 1) {
			put = append(put, pair{fmt.Sprint("n", random.IntN(3000)), random.Int()})
		}
		for range random.IntN(most + 1) {
			without = append(without, fmt.Sprint("n", random.IntN(3000)))
		}
		if round > 300 { // dwindling
			put = nil
		}
		l = l.With(put, without)
		for _, name := range without {
			delete(want, name)
		}
		for _, p := range put {
			want[p.key] = p.value
		}
		sameAs(t, l, want)
		sameAs(t, before, then) // what somebody still reads has not changed
	}
	if _, ok := l.Get("no such"); ok {
		t.Error("there is what was never put")
	}
}

func TestOfLeavesAloneWhatItIsGiven(t *testing.T) {
	given := []pair{{"b", 1}, {"a", 2}}
	sameAs(t, Of(key, given), map[string]int{"a": 2, "b": 1})
	if given[0].key != "b" {
		t.Error("what was given was sorted in its place")
	}
}

func TestShortRunsDoNotPileUp(t *testing.T) {
	var all []pair
	for i := range 20_000 {
		all = append(all, pair{fmt.Sprintf("n%05d", i), i})
	}
	l := Of(key, all)
	for i := range all {
		if i%100 > 0 {
			l = l.With(nil, []string{all[i].key})
		}
	}
	if l.Len() != 200 || len(l.runs) > 10 {
		t.Errorf("%d values in %d runs", l.Len(), len(l.runs))
	}
}

func TestEndsWhenTheReaderDoes(t *testing.T) {
	n := 0
	for range Of(key, []pair{{"a", 1}, {"b", 2}}).All() {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d values", n)
	}
}

func BenchmarkWith(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		b.Run(fmt.Sprint("values=", n), func(b *testing.B) {
			var all []pair
			for i := range n {
				all = append(all, pair{fmt.Sprintf("n%06d", i), i})
			}
			l := Of(key, all)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				at := i % n
				l = l.With(nil, []string{all[at].key}).With(all[at:at+1], nil)
			}
		})
	}
}
