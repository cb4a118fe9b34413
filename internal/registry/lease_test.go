package registry

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestLeases compares what is due with a plain list, over random grants, renewals and
// removals.
func TestLeases(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	now := time.Unix(1_000_000, 0)
	l, want := newLeases(), map[string]time.Time{}
	for range 20_000 {
		app := fmt.Sprint(rnd.IntN(40))
		ttl := time.Duration(30+rnd.IntN(300)) * time.Second
		switch rnd.IntN(6) {
		case 0:
			l.grant(app, ttl, now, now, true)
			want[app] = now.Add(ttl)
		case 1:
			l.drop(app)
			delete(want, app)
		case 2, 3:
			end, ok := l.renew(app, now)
			if _, known := want[app]; ok != known {
				t.Fatalf("renewing %s: %v, want %v", app, ok, known)
			}
			if ok {
				want[app] = end
			}
		default:
			now = now.Add(time.Duration(rnd.IntN(20)) * time.Second)
		}
		var due []string
		for app, end := range want {
			if !end.After(now) {
				due = append(due, app)
				delete(want, app)
			}
		}
		got := l.due(now)
		slices.Sort(got)
		slices.Sort(due)
		if !slices.Equal(got, due) {
			t.Fatalf("due %q, want %q", got, due)
		}
		for _, app := range got {
			if _, ok := l.renew(app, now); ok {
				t.Fatalf("%s was renewed after its end", app)
			}
			l.drop(app)
		}
		if len(l.queue) > 2*len(l.all)+65 {
			t.Fatalf("%d in the queue for %d leases", len(l.queue), len(l.all))
		}
	}
}

func TestRenewalsReachTheDiskCoarsely(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	l := newLeases()
	l.grant("a", 40*time.Second, now, now, true)
	for i, want := range []int{0, 0, 0, 1} { // a quarter is 10 s
		l.renew("a", now.Add(time.Duration(i)*3*time.Second+time.Second))
		if got := len(l.unstored()); got != want {
			t.Errorf("after %d s: %d to write, want %d", i*3+1, got, want)
		}
	}
	l.wrote(l.unstored())
	if l.renew("a", now.Add(12*time.Second)); len(l.unstored()) != 0 {
		t.Error("it is to be written again at once")
	}
}

// Nobody could renew a lease while the program did not run: leases that have not ended
// last longer, others stay ended.
func TestExtendLeases(t *testing.T) {
	begin := time.Unix(1_000_000, 0)
	l := newLeases()
	l.grant("over", 10*time.Second, begin, begin, true)
	l.grant("a", 30*time.Second, begin, begin, true)
	if due := l.due(begin.Add(20 * time.Second)); !slices.Equal(due, []string{"over"}) {
		t.Fatalf("due %q", due)
	}
	l.extend(time.Minute)
	if due := l.due(begin.Add(89 * time.Second)); len(due) > 0 {
		t.Errorf("due too early: %q", due)
	}
	if due := l.due(begin.Add(91 * time.Second)); !slices.Equal(due, []string{"a"}) {
		t.Errorf("due %q", due)
	}
}
