package schedule

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/prober"
)

// TestHistoryIsSmall: each of very many targets has one. Probes come a few milliseconds
// early or late, and take a while.
func TestHistoryIsSmall(t *testing.T) {
	var h history
	random := rand.New(rand.NewPCG(7, 8))
	for i := range 3 * HistoryLimit {
		start := time.Unix(1764252345+60*int64(i), random.Int64N(5e6))
		h.add(&prober.Result{Start: start, Duration: time.Duration(random.Int64N(4e6)), StatusCode: 200, Outcome: health.Pass}, health.Healthy)
		if cap(h.bytes) > len(h.bytes)*5/4+3*longestRecord || cap(h.bytes) > 800 {
			t.Fatalf("%d bytes have room for %d", len(h.bytes), cap(h.bytes))
		}
	}
	if size := len(h.bytes) / HistoryLimit; size > 7 {
		t.Errorf("a record takes %d bytes", size)
	}
}

// Whatever is put in comes out, the newest of it, in order, to the microsecond.
func TestHistoryKeepsTheLast(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	for range 50 {
		var h history
		var want []Entry
		at := time.Unix(1764252345, 0)
		for range random.IntN(3 * HistoryLimit) {
			at = at.Add(time.Duration(random.Int64N(1<<random.IntN(58)) - random.Int64N(1<<random.IntN(40)))) // clocks are set back, too
			res := &prober.Result{
				Start: at, Duration: time.Duration(random.Int64N(1 << random.IntN(44))), StatusCode: []int{0, 200, 200, 200, 503, 1<<16 - 1}[random.IntN(6)],
				Outcome: []health.Outcome{health.Pass, health.Warn, health.Fail}[random.IntN(3)],
				Reason:  append(prober.Reasons(), "")[random.IntN(len(prober.Reasons())+1)],
			}
			state := health.Verdicts()[random.IntN(4)]
			h.add(res, state)
			want = append(want, Entry{
				Time: at.Truncate(time.Microsecond), Latency: min(res.Duration.Truncate(time.Microsecond), (1<<32-1)*time.Microsecond),
				StatusCode: res.StatusCode, Outcome: res.Outcome, State: state, Reason: res.Reason,
			})
		}
		want = want[max(0, len(want)-HistoryLimit):]
		if h.failedLast() != (len(want) > 0 && want[len(want)-1].Outcome != health.Pass) {
			t.Errorf("failed last: %v", h.failedLast())
		}
		for _, limit := range []int{0, 1, len(want), 2 * HistoryLimit} {
			got, latencies := h.entries(limit), h.latencies(limit)
			if len(got) != min(limit, len(want)) || len(latencies) != len(got) {
				t.Fatalf("%d entries and %d latencies, want %d of %d", len(got), len(latencies), limit, len(want))
			}
			for i := range got {
				w := want[len(want)-1-i]
				if !got[i].Time.Equal(w.Time) || latencies[len(got)-1-i] != w.Latency {
					t.Fatalf("entry %d is of %v and took %v, want %v, %v", i, got[i].Time, latencies[len(got)-1-i], w.Time, w.Latency)
				}
				if got[i].Time = w.Time; !reflect.DeepEqual(got[i], w) {
					t.Fatalf("entry %d is\n%+v instead of\n%+v", i, got[i], w)
				}
			}
		}
	}
}

func BenchmarkHistory(b *testing.B) {
	var h history
	start := time.Unix(1764252345, 0)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		h.add(&prober.Result{Start: start.Add(time.Duration(i) * time.Minute), Duration: time.Millisecond, StatusCode: 200, Outcome: health.Pass}, health.Healthy)
	}
}

// TestHistoryKeepsWhatWasSaid: what is packed comes out again, each with each.
func TestHistoryKeepsWhatWasSaid(t *testing.T) {
	for _, state := range health.Verdicts() {
		for _, reason := range append(prober.Reasons(), "") {
			for _, outcome := range []health.Outcome{health.Pass, health.Warn, health.Fail} {
				var h history
				start := time.Unix(1764252345, 678000)
				h.add(&prober.Result{Start: start, Duration: 3 * time.Second, StatusCode: 599, Outcome: outcome, Reason: reason}, state)
				e := h.entries(1)[0]
				if e.State != state || e.Reason != reason || e.Outcome != outcome || !e.Time.Equal(start) || e.StatusCode != 599 || e.Latency != 3*time.Second {
					t.Errorf("%v, %q, %v came out as %+v", state, reason, outcome, e)
				}
			}
		}
	}
}
