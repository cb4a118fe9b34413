package alerting

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestCoverIsThatOfTheWindows: what is covered is what one of the windows covers,
// whatever names and patterns there are.
func TestCoverIsThatOfTheWindows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", "b", "ab", "web", "-", "*", "?", "[ab]", "[^a]", "[a-c]", `\*`, "*b", "é", "[", "]", ""}
	word := func(n int) (s string) {
		for range 1 + r.IntN(n) {
			s += pieces[r.IntN(len(pieces))]
		}
		return s
	}
	covered := 0
	var before *Cover
	for range 20_000 {
		var list Windows
		for range r.IntN(4) {
			w := Window{}
			for range r.IntN(3) {
				w.Targets = append(w.Targets, word(4))
			}
			for range r.IntN(2) {
				w.Groups = append(w.Groups, word(4))
			}
			list = append(list, w)
		}
		if before != nil { // some stay, in other places
			for _, w := range before.windows {
				if r.IntN(2) == 0 {
					list = slices.Insert(list, r.IntN(len(list)+1), w)
				}
			}
		}
		cover := NewCover(list, before)
		before = cover
		for range 5 {
			s := &Subject{Name: word(4), Group: []string{"", "", word(3)}[r.IntN(3)]}
			want := false
			for i := range list {
				want = want || list[i].Covers(s)
			}
			if one := r.IntN(4); one < len(list) {
				if got := cover.Of(func(w *Window) bool { return w == &cover.windows[one] })(s.Name, s.Group); got != list[one].Covers(s) {
					t.Fatalf("%q of %q: %v of %+v", s.Name, s.Group, got, list[one])
				}
			}
			for range 2 { // the second answer is remembered
				if got := cover.Of(anyWindow)(s.Name, s.Group); got != want {
					t.Fatalf("%q of %q: %v, want %v, of %+v", s.Name, s.Group, got, want, list)
				}
			}
			if want {
				covered++
			}
		}
	}
	if covered < 10_000 {
		t.Errorf("only %d were covered: the test says little", covered)
	}
}

func TestCoverSame(t *testing.T) {
	a := Windows{{Targets: []string{"a"}}, {Groups: []string{"g"}}}
	for i, test := range []struct {
		list Windows
		want bool
	}{
		{a, true},
		{Windows{{Targets: []string{"a"}}, {Groups: []string{"g"}}}, true},
		{Windows{{Targets: []string{"a"}}}, false},
		{Windows{{Targets: []string{"b"}}, {Groups: []string{"g"}}}, false},
		{Windows{{Targets: []string{"a"}}, {Groups: []string{"h"}}}, false},
		{nil, false},
	} {
		if got := NewCover(a, nil).Same(test.list); got != test.want {
			t.Errorf("%d: %v", i, got)
		}
	}
}

// manyWindows are as many windows as there can be, each with names, or patterns.
func manyWindows(each int, pattern func(w, i int) string) (list Windows) {
	for w := range 100 {
		window := Window{End: time.Now().Add(time.Hour)}
		for i := range each {
			window.Targets = append(window.Targets, pattern(w, i))
		}
		list = append(list, window)
	}
	return list
}

// BenchmarkCover asks for 10 000 targets, as a page does.
func BenchmarkCover(b *testing.B) {
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprintf("app-%05d", i)
	}
	all := func(yield func(name, group string) bool) {
		for _, name := range names {
			if !yield(name, "web") {
				return
			}
		}
	}
	for _, bench := range []struct {
		name string
		list Windows
	}{
		{"100x1000names", manyWindows(1000, func(w, i int) string { return fmt.Sprintf("other-%d-%d", w, i) })},
		{"100x20heads", manyWindows(20, func(w, i int) string { return fmt.Sprintf("app-x%d-%d*", w, i) })},
		{"100x20tails", manyWindows(20, func(w, i int) string { return fmt.Sprintf("*-%d-%d", w, i) })},
		{"100x20hard", manyWindows(20, func(w, i int) string { return fmt.Sprintf("*a*%d-%d*", w, i) })},
		{"100x20classes", manyWindows(20, func(w, i int) string { return fmt.Sprintf("*[a-z]*[0-9]%d-%d", w, i) })},
		{"100x20stars", manyWindows(20, func(w, i int) string { return fmt.Sprintf("*a*p*p*-*0*?x%d%d", w, i) })},
	} {
		b.Run(bench.name, func(b *testing.B) {
			cover := NewCover(bench.list, nil)
			cover.Learn(all)
			var first time.Duration
			rounds := 0
			for b.Loop() { // a window comes, one goes, all targets are looked at
				rounds++
				next := append(slices.Clone(bench.list[1:]), Window{Targets: []string{fmt.Sprint("*x", rounds, "*?")}})
				cover = NewCover(next, cover)
				bench.list = next
				cover.Learn(all)
				begin := time.Now()
				if !cover.Same(bench.list) {
					b.Fatal("another one")
				}
				has := cover.Of(anyWindow)
				for _, name := range names {
					has(name, "web")
				}
				first = max(first, time.Since(begin))
			}
			b.ReportMetric(float64(first.Microseconds())/1000, "ms/page")
		})
	}
}

func anyWindow(*Window) bool { return true }
