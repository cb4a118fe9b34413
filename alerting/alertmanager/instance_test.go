package alertmanager

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A round that takes the place of another that was not told yet tells no less.
func TestOfferKeepsFull(t *testing.T) {
	i := newInstance(&Pusher{}, "http://localhost", nil, slog.New(slog.DiscardHandler))
	i.offer(pushRound{full: true})
	i.offer(pushRound{stories: []story{{key: "new"}}})
	if r := <-i.rounds; !r.full || len(r.stories) != 1 {
		t.Errorf("round %+v", r)
	}
}

func TestBatches(t *testing.T) {
	of := func(sizes ...int) []story {
		var list []story
		for _, n := range sizes {
			list = append(list, story{alerts: make([]Alert, n)})
		}
		return list
	}
	many := slices.Repeat([]int{2}, 300)
	tests := []struct {
		name  string
		sizes []int
		want  [][]int
	}{
		{"none", nil, nil},
		{"one", []int{1}, [][]int{{1}}},
		{"full", []int{100, 156}, [][]int{{100, 156}}},
		{"not torn", []int{100, 155, 2, 1}, [][]int{{100, 155}, {2, 1}}},
		{"longer than a batch", []int{1, 300, 1}, [][]int{{1}, {300}, {1}}},
		{"many", many, [][]int{many[:128], many[:128], many[:44]}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got [][]int
			for _, batch := range batches(of(test.sizes...)) {
				var sizes []int
				for _, s := range batch {
					sizes = append(sizes, len(s.alerts))
				}
				got = append(got, sizes)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("batches (-want +got):\n%s", diff)
			}
		})
	}
}

// A fault stops a round only if the other batches would fail in the same way.
func TestPushManyBatches(t *testing.T) {
	for code, want := range map[int]int{http.StatusBadRequest: 3, http.StatusUnprocessableEntity: 3, http.StatusServiceUnavailable: 1} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			r, c := newReceiver(t), newCrowd()
			r.answerWith(code)
			for n := range 600 {
				c.set(fmt.Sprint("target", n), unhealthy)
			}
			<-c.changed
			p := c.push(t, &Pusher{URLs: []string{r.URL}, times: times{gap: time.Hour}})
			eventually(t, func() error {
				if n := len(r.all()); n < want {
					return fmt.Errorf("%d requests", n)
				}
				return nil
			})
			r.answerWith(http.StatusOK)
			p.stop()
			var sizes []int
			for _, post := range r.all() {
				sizes = append(sizes, len(post.alerts))
			}
			if wanted := append([]int{256, 256, 88}[:want], 256, 256, 88); !slices.Equal(sizes, wanted) {
				t.Errorf("requests of %d alerts, want %d", sizes, wanted)
			}
		})
	}
}

// A fault that lasts is told once an hour, one that comes and goes once a minute.
func TestComplaint(t *testing.T) {
	var c complaint
	at := func(after time.Duration) time.Time { return time.Unix(1_000_000, 0).Add(after) }
	for i, s := range []struct {
		after time.Duration
		what  string // empty: it is over
		want  bool
	}{
		{0, "connect", true},
		{59 * time.Minute, "connect", false},
		{time.Hour, "connect", true},
		{time.Hour + 30*time.Second, "timeout", false},
		{time.Hour + time.Minute, "timeout", true},
		{time.Hour + 2*time.Minute, "", true},
		{time.Hour + 2*time.Minute, "", false},
		{time.Hour + 90*time.Second, "timeout", false},
		{time.Hour + 3*time.Minute, "timeout", true},
	} {
		var got bool
		if s.what == "" {
			got = c.end()
		} else {
			got = c.due(s.what, at(s.after))
		}
		if got != s.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
}
