package schedule

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestWheel compares the wheel with a plain list, under random use.
func TestWheel(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var w wheel
	all := map[*job]bool{}
	now := int64(1_000_000_007)
	for step := range 20_000 {
		switch random.IntN(3) {
		case 0:
			j := &job{app: fmt.Sprint(step), due: now + 1 + random.Int64N(3*wheelSize)}
			w.add(j)
			all[j] = true
		case 1:
			for j := range all {
				w.remove(j)
				delete(all, j)
				break
			}
		case 2:
			last := now
			now += 1 + random.Int64N(40)
			if random.IntN(100) == 0 {
				now += 2 * wheelSize // the machine slept
			}
			due := w.due(last+1, now, nil)
			want := 0
			for j := range all {
				if j.due <= now {
					want++
				}
			}
			if len(due) != want {
				t.Fatalf("step %d: %d jobs due, want %d", step, len(due), want)
			}
			for _, j := range due {
				w.remove(j)
				delete(all, j)
			}
		}
		checkNext(t, &w, all, now)
	}
}

func checkNext(t *testing.T, w *wheel, all map[*job]bool, now int64) {
	t.Helper()
	want := int64(-1)
	for j := range all {
		if at := now + 1 + (j.due-now-1)%wheelSize; want < 0 || at < want {
			want = at
		}
	}
	if got := w.next(now + 1); got != want {
		t.Fatalf("next slot is %d, want %d", got, want)
	}
}

func TestOnGrid(t *testing.T) {
	for _, test := range []struct{ earliest, interval, phase, want int64 }{
		{10, 5, 0, 10}, {11, 5, 0, 15}, {11, 5, 1, 11}, {12, 5, 1, 16}, {0, 5, 3, 3}, {4, 1, 0, 4},
	} {
		if got := onGrid(test.earliest, test.interval, test.phase); got != test.want {
			t.Errorf("onGrid(%d, %d, %d) = %d, want %d", test.earliest, test.interval, test.phase, got, test.want)
		}
	}
}

func TestPhasesSpreadEvenly(t *testing.T) {
	const n, interval, parts = 10_000, 2000, 20
	var counts [parts]int
	for i := range n {
		counts[phaseOf(fmt.Sprintf("target-%d", i), interval)*parts/interval]++
	}
	for part, count := range counts {
		if count < n/parts*80/100 || count > n/parts*120/100 {
			t.Errorf("part %d of the interval has %d targets, want about %d", part, count, n/parts)
		}
	}
}
