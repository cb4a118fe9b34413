package alertmanager

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

// maxBatch is how many alerts one request has at most, unless a story has more.
const maxBatch = 256

// instance is one Alertmanager. Its goroutine tells it stories; the newest round
// replaces one that it has not got to yet.
type instance struct {
	*Pusher
	url    string
	client *http.Client
	log    *slog.Logger
	rounds chan pushRound

	complained complaint // used by run only

	mu    sync.Mutex
	told  map[string]time.Time // guarded by mu; when the story that was told last had changed, by key
	stats InstanceStats        // guarded by mu
}

// pushRound is what is to be told at one time.
type pushRound struct {
	stories []story
	full    bool // all of them, not just those that were not told yet
	last    bool // nothing will be told for a while
}

func newInstance(a *Pusher, url string, client *http.Client, log *slog.Logger) *instance {
	i := &instance{
		Pusher: a,
		url:    strings.TrimRight(url, "/") + "/api/v2/alerts",
		client: client,
		log:    log.With("alertmanager", url),
		rounds: make(chan pushRound, 1),
		told:   map[string]time.Time{},
	}
	i.stats.URL = url
	i.stats.Failed = map[string]uint64{}
	for _, reason := range pushReasons() {
		i.stats.Failed[reason] = 0
	}
	return i
}

// offer never waits: only the goroutine of Run puts rounds in.
func (i *instance) offer(r pushRound) {
	select {
	case old := <-i.rounds:
		r.full = r.full || old.full
	default:
	}
	i.rounds <- r
}

// run sends rounds until there will be no more.
func (i *instance) run(ctx context.Context) {
	for r := range i.rounds {
		i.tell(ctx, r)
	}
}

// tell sends what is due in one round. What fails is tried again with the next round,
// and until then nothing is lost: a round has all there is to know.
func (i *instance) tell(ctx context.Context, r pushRound) {
	lasts := 4 * i.resend()
	if r.last {
		lasts = max(lasts, i.absence())
	}
	for _, batch := range batches(i.due(r)) {
		now := time.Now()
		err := i.post(ctx, payload(batch, now.Add(lasts)))
		i.note(batch, err, now)
		if err != nil && !err.only {
			return // the others would fail in the same way, each after a timeout perhaps
		}
	}
}

// due are the stories of a round to tell now.
func (i *instance) due(r pushRound) []story {
	i.mu.Lock()
	defer i.mu.Unlock()
	told := map[string]time.Time{}
	var due []story
	for _, s := range r.stories {
		changed, known := i.told[s.key]
		if known {
			told[s.key] = changed
		}
		if r.full || !known || !changed.Equal(s.changed) {
			due = append(due, s)
		}
	}
	i.told = told // without those that have no story any more
	return due
}

// batches are the stories in portions, none of them torn.
func batches(stories []story) [][]story {
	var (
		list  [][]story
		first int // of the current batch
		size  int
	)
	for n, s := range stories {
		if size > 0 && size+len(s.alerts) > maxBatch {
			list = append(list, stories[first:n])
			first, size = n, 0
		}
		size += len(s.alerts)
	}
	if size > 0 {
		list = append(list, stories[first:])
	}
	return list
}

// payload is the alerts of the stories. Those that fire end at that time, unless they
// are sent again.
func payload(batch []story, end time.Time) []Alert {
	var alerts []Alert
	for _, s := range batch {
		for _, a := range s.alerts {
			if a.EndsAt.IsZero() {
				a.EndsAt = end.Round(0).UTC()
			}
			alerts = append(alerts, a)
		}
	}
	return alerts
}

// note keeps the outcome of a request.
func (i *instance) note(batch []story, err *pushError, now time.Time) {
	if err == nil && i.complained.end() {
		i.log.Info("alerts are accepted again")
	}
	if err != nil && i.complained.due(err.reason, now) {
		i.log.Warn("pushing alerts", "reason", err.reason, "err", err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if err == nil || err.taken {
		for _, s := range batch {
			i.told[s.key] = s.changed
		}
	}
	if err != nil {
		i.stats.Failed[err.reason]++
		i.stats.Error = err.Error()
		return
	}
	for _, s := range batch {
		i.stats.Sent += uint64(len(s.alerts))
	}
	i.stats.LastSuccess, i.stats.Error = now, ""
}
