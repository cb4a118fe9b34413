package alertmanager

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/health-exporter/health_exporter/alerting"
)

// Pusher pushes alerts to one or more Alertmanagers, as a Prometheus with the
// shipped rules would. Each is told everything, and on its own: they do not pass
// alerts on to each other, and one that is down must not delay the others.
type Pusher struct {
	// URLs are where they are, without /api/v2/alerts. At least one. They must not
	// be addresses of a load balancer.
	URLs []string
	// Transports are what requests to a URL go over, with its credentials and TLS options;
	// the default for those that are not in it.
	Transports map[string]http.RoundTripper
	// Instance is the label instance of all alerts, as host:port: it tells this exporter
	// from others. It is required.
	Instance string
	// Resend is how often all alerts are sent again; 0 is 1 minute. An alert ends by
	// itself when it was not told again four times.
	Resend time.Duration
	// Subject is a subject as it is now, also one that is gone; nil if there is none. It is
	// required by Run.
	Subject func(kind alerting.Kind, name string) *alerting.Subject
	// Saved is what Save was given since ever: the last of each key, without those
	// that were nil.
	Saved map[string][]byte
	// Save stores what must be remembered over a restart, before it is sent. A nil
	// value means that the key is to be forgotten. Without it nothing is kept: then
	// a recovery or removal during a restart is not told.
	Save func(changed map[string][]byte) error
	// Log receives what goes wrong; nil discards.
	Log *slog.Logger

	times times // others in tests

	restored sync.Once
	damage   error         // of what was saved; written by restored
	news     chan struct{} // made by restored; one slot: there are events
	memory   Memory        // of the goroutine that runs
	events   events

	mu        sync.Mutex
	instances []*instance // guarded by mu; while Run runs and after
	stories   []story     // guarded by mu; those that were offered last
}

// Stats is how the pushing goes.
type Stats struct {
	// Untold is how many subjects there are whose last change has reached none of the
	// Alertmanagers yet; one of them is enough.
	Untold int
	// Instances has one element for each URL, in their order.
	Instances []InstanceStats
}

// InstanceStats is how the pushing to one Alertmanager goes.
type InstanceStats struct {
	URL string
	// Sent counts alerts that were accepted, each time they were.
	Sent uint64
	// Failed counts requests that were not, by reason. All reasons are there.
	Failed map[string]uint64
	// LastSuccess is when a request was last accepted; zero if none ever was.
	LastSuccess time.Time
	// Error is why the last request was not accepted; empty if it was.
	Error string
}

// LastSuccess is when any of them last accepted a request; zero if none ever did.
func (s *Stats) LastSuccess() time.Time {
	var last time.Time
	for _, i := range s.Instances {
		last = later(i.LastSuccess, last)
	}
	return last
}

// Check says what is wrong with the options, all at once.
func (a *Pusher) Check() error {
	var faults []error
	fault := func(field, format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s: %s", field, fmt.Sprintf(format, args...)))
	}
	if len(a.URLs) == 0 {
		fault("URLs", "at least one is needed")
	}
	for i, text := range a.URLs {
		if err := checkURL(text); err != nil {
			fault(fmt.Sprintf("URLs[%d]", i), "%v", err)
		} else if slices.Contains(a.URLs[:i], text) {
			fault(fmt.Sprintf("URLs[%d]", i), "%q is given twice", text)
		}
	}
	if a.Instance == "" {
		fault("Instance", "it is needed to tell the alerts of one exporter from those of others")
	}
	if a.Resend < 0 {
		fault("Resend", "%v is less than 0", a.Resend)
	}
	slices.SortStableFunc(faults, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errors.Join(faults...)
}

// checkURL never repeats a URL that has a password in it.
func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return errors.New("it is not a URL")
	case u.User != nil:
		return errors.New("user name and password have options of their own, since the URL is shown")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.RawQuery != "", u.Fragment != "":
		return fmt.Errorf("%q is not like http://localhost:9093 or https://example.org/alertmanager", text)
	}
	return nil
}

// Stats is how it goes. It may be called at any time.
func (a *Pusher) Stats() Stats {
	a.mu.Lock()
	instances, stories := a.instances, a.stories
	a.mu.Unlock()
	var stats Stats
	told := map[string]time.Time{}
	for _, i := range instances {
		stats.Instances = append(stats.Instances, i.report(told))
	}
	for _, s := range stories {
		if told[s.key].Before(s.changed) {
			stats.Untold++
		}
	}
	return stats
}

// report gives the figures, and adds to told which stories it has been told.
func (i *instance) report(told map[string]time.Time) InstanceStats {
	i.mu.Lock()
	defer i.mu.Unlock()
	for key, changed := range i.told {
		told[key] = later(told[key], changed)
	}
	stats := i.stats
	stats.Failed = maps.Clone(stats.Failed)
	return stats
}
