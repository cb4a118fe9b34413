package outbox

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/health"
)

// TestDeadlines: the soonest comes first, whatever the order in which they were added.
func TestDeadlines(t *testing.T) {
	begin := time.Unix(1_000_000, 0)
	var d deadlines
	for _, minutes := range []int{5, 1, 9, 3, 7} {
		d.add("a", begin.Add(time.Duration(minutes)*time.Minute))
	}
	d.add("b", begin.Add(4*time.Minute))
	d.add("never", time.Time{})
	if got := d.next(begin); got != time.Minute {
		t.Errorf("the next is in %s", got)
	}
	if got := d.take(begin.Add(4 * time.Minute)); len(got) != 2 || !got["a"] || !got["b"] {
		t.Errorf("due are %v", got)
	}
	if got := d.next(begin); got != 5*time.Minute || len(d) != 3 {
		t.Errorf("then the next is in %s, of %d", got, len(d))
	}
}

// TestChangesAfterChanges: what failed to be written is written with what follows, as if
// it had been one.
func TestChangesAfterChanges(t *testing.T) {
	first, next := newChanges(), newChanges()
	first.add = []entry{{Seq: 3}, {Seq: 4}}
	first.drop = []uint64{1}
	first.remember["a"], first.remember["b"], first.forget["c"] = alerting.Memory{}, alerting.Memory{}, true
	first.cursor = &cursor{7, true}
	next.add, next.drop = []entry{{Seq: 5}}, []uint64{2, 4}
	next.forget["b"], next.remember["c"] = true, alerting.Memory{}
	both := first.then(next)
	if !slices.Equal(both.drop, []uint64{1, 2, 4}) {
		t.Errorf("drops %v", both.drop)
	}
	if len(both.add) != 2 || both.add[0].Seq != 3 || both.add[1].Seq != 5 {
		t.Errorf("adds %v", both.add)
	}
	_, a := both.remember["a"]
	_, c := both.remember["c"]
	if !a || !c || len(both.remember) != 2 || !both.forget["b"] || len(both.forget) != 1 || both.cursor.Seq != 7 {
		t.Errorf("%+v", both)
	}
}

// TestRemovedWhileNobodyLooked: who was told of the outage is told that it is over with
// the target, although the journal no longer knows whom to tell.
func TestRemovedWhileNobodyLooked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Options{Wait: -1, Interval: -1})
		defer func() { w.stop() }()
		w.set("nas", health.Healthy)
		w.subjects["nas"].Email = "me@example.org"
		w.pass(time.Second)
		w.set("nas", health.Unhealthy)
		w.pass(time.Second)
		w.expect("me@example.org: nas is unhealthy")
		seq, _ := w.outbox.Cursor()
		e := alerting.Event{Seq: seq + 1, Kind: alerting.Target, Name: "nas", What: alerting.Removed}
		e.Time, e.Subject = time.Now(), &alerting.Subject{Kind: alerting.Target, Name: "nas"}
		if err := w.outbox.Take([]alerting.Event{e}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		w.expect("me@example.org: nas is no longer monitored")
	})
}
