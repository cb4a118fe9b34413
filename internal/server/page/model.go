package page

import (
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// Frame is what all pages have in common.
type Frame struct {
	// Title of the whole installation, such as "health_exporter".
	Title string `json:"title"`
	// Generated is when the figures were read, in the zone in which times are shown.
	Generated time.Time `json:"generated"`
	// Started is when the prober was started.
	Started time.Time `json:"started"`
	// Version of the program; empty on public pages.
	Version string `json:"version,omitempty"`
	// Root leads from the page to the top of the site: "", "../", "../../".
	Root string `json:"-"`
	// Base leads from the page to its overview; on public pages that is not Root.
	Base string `json:"-"`
	// Public pages hide where the targets are and what is wrong with them.
	Public bool `json:"-"`
	// Login says that the reader might do more with a token.
	Login bool `json:"-"`
	// Unhealthy is how many are, for the title and the icon of a browser's tab, and
	// Worst the worst state of all.
	Unhealthy int            `json:"unhealthy"`
	Worst     health.Verdict `json:"worst"`
	// Troubles are those of the exporter itself, which make the page less to be trusted.
	Troubles []string `json:"troubles,omitempty"`
}

// Counts are how many subjects are in each state. Those paused or in maintenance
// are counted there, and in no state.
type Counts struct {
	Unhealthy   int `json:"unhealthy"`
	Degraded    int `json:"degraded"`
	Unknown     int `json:"unknown"`
	Healthy     int `json:"healthy"`
	Maintenance int `json:"maintenance"`
	Paused      int `json:"paused"`
}

// Add counts one more.
func (c *Counts) Add(r *Row) {
	switch {
	case r.Paused:
		c.Paused++
	case r.Maintenance:
		c.Maintenance++
	case r.State == health.Unhealthy:
		c.Unhealthy++
	case r.State == health.Degraded:
		c.Degraded++
	case r.State == health.Healthy:
		c.Healthy++
	default:
		c.Unknown++
	}
}

// Plus are both together.
func (c Counts) Plus(other Counts) Counts {
	c.Unhealthy += other.Unhealthy
	c.Degraded += other.Degraded
	c.Unknown += other.Unknown
	c.Healthy += other.Healthy
	c.Maintenance += other.Maintenance
	c.Paused += other.Paused
	return c
}

// Total is how many were counted.
func (c Counts) Total() int {
	return c.Unhealthy + c.Degraded + c.Unknown + c.Healthy + c.Maintenance + c.Paused
}

// Worst is the worst state of those that are neither paused nor in maintenance;
// healthy if there are none of those, and unknown if there is nothing at all.
func (c Counts) Worst() health.Verdict {
	switch {
	case c.Total() == 0:
		return health.Unknown
	case c.Unhealthy > 0:
		return health.Unhealthy
	case c.Degraded > 0:
		return health.Degraded
	case c.Unknown > 0:
		return health.Unknown
	}
	return health.Healthy
}

// Overview is the page at the top.
type Overview struct {
	Frame
	// Counts are those of all subjects, whatever the filter.
	Counts Counts `json:"counts"`
	// Since is from when on the worst state has held; zero if nobody knows.
	Since time.Time `json:"since,omitzero"`
	// Windows are the names of the maintenance that is going on.
	Windows []string `json:"maintenance,omitempty"`
	// Late is what should have been probed long ago.
	Late *Late `json:"late,omitempty"`
	// Filter is what the request asks for, and Matching how many that leaves.
	Filter   Filter `json:"filter"`
	Matching int    `json:"matching"`
	// AllGroups are the names of all groups, for the form; ManyGroups says that there are
	// too many to choose from.
	AllGroups  []string `json:"-"`
	ManyGroups bool     `json:"-"`
	// Gone are the targets that are no more although nobody removed them.
	Gone []Gone `json:"gone,omitempty"`
	// Troubled are those not healthy, the worst first; MoreTroubled is how many more.
	Troubled     []Row `json:"not_healthy"`
	MoreTroubled int   `json:"not_healthy_more,omitempty"`
	// Groups have the rows of this page.
	Groups []Group `json:"groups"`
	// Changes are the last ones, newest first.
	Changes []Change `json:"changes"`
	// Window is the time that the strips cover.
	Window Window `json:"strip"`
	// Probes are the last ad-hoc probes, newest first.
	Probes []AdHoc `json:"probes,omitempty"`
	// Pages is how many there are.
	Pages int `json:"pages"`
	// Site is where the exporter was asked, for the empty page.
	Site string `json:"-"`
}

// Turn turns to the page that the filter asks for, or the last one, of n lines of which a
// page has so many, and gives the first of its lines.
func (o *Overview) Turn(n, perPage int) (first int) {
	o.Pages = max((n+perPage-1)/perPage, 1)
	o.Filter.Page = min(o.Filter.Page, o.Pages)
	return (o.Filter.Page - 1) * perPage
}

// Gone is a target that nobody renewed or found any more.
type Gone struct {
	Name string    `json:"name"`
	At   time.Time `json:"gone_at"`
	Why  string    `json:"why"`
}

// Late is the subject that has been waiting longest for its probe.
type Late struct {
	Name string        `json:"name"`
	By   time.Duration `json:"-"`
	// Seconds is By.
	Seconds float64 `json:"overdue_seconds"`
	// Others is how many more are overdue.
	Others int `json:"others"`
}

// Filter narrows an overview down. The zero Filter lets everything through.
type Filter struct {
	Query string `json:"query,omitempty"`
	Group string `json:"group,omitempty"`
	// State is the word of a state, "maintenance", "paused" or "troubled".
	State string `json:"state,omitempty"`
	// Labels are name=value.
	Labels []string `json:"labels,omitempty"`
	// Page counts from 1.
	Page int `json:"page"`
	// Notices say what of the query is not a filter, and so is not applied.
	Notices []string `json:"notices,omitempty"`
}

// Group is a heading with rows below it, or with none if there are too many to show.
type Group struct {
	Name   string `json:"name"`
	Counts Counts `json:"counts"`
	Rows   []Row  `json:"rows"`
}

// Open reports whether a browser shall show the rows at once.
func (g Group) Open() bool { return g.Counts.Worst() != health.Healthy }

// Row is one subject: a target or a check.
type Row struct {
	// Kind is "target" or "check".
	Kind  string `json:"kind"`
	Name  string `json:"name"`
	Group string `json:"group,omitempty"`
	// Link leads from the overview to the subject's page.
	Link  string         `json:"page"`
	State health.Verdict `json:"state"`
	// Paused and Maintenance stand beside the state, and do not hide it.
	Paused      bool      `json:"paused,omitempty"`
	Maintenance bool      `json:"maintenance,omitempty"`
	Since       time.Time `json:"since,omitzero"`
	LastHealthy time.Time `json:"last_healthy,omitzero"`
	// Reason says in one line what is wrong.
	Reason string `json:"reason,omitempty"`
	// Place is where it is, without secrets.
	Place string `json:"place,omitempty"`
	// Mailed is who is notified.
	Mailed string `json:"mailed,omitempty"`
	// Latency is that of the last probe; zero before the first. Latencies are those of
	// the last probes, oldest first.
	Latency   time.Duration   `json:"-"`
	Latencies []time.Duration `json:"-"`
	// LatencySeconds is Latency.
	LatencySeconds float64 `json:"latency_seconds,omitempty"`
	// Day and Month are the shares of the last 24 hours and 30 days.
	Day   Uptime `json:"uptime_24h"`
	Month Uptime `json:"uptime_30d"`
	// Strip are the last 24 hours.
	Strip []Cell `json:"-"`
}

// Troubled reports whether somebody should look.
func (r *Row) Troubled() bool {
	return r.State != health.Healthy && !r.Paused && !r.Maintenance
}

// Uptime is a share of a span of time, by time.
type Uptime struct {
	// Share is from 0 to 1; it says nothing unless Known.
	Share float64 `json:"share"`
	Known bool    `json:"known"`
	// Unknown is the time that counts for neither side: unknown, no data, paused,
	// maintenance.
	Unknown time.Duration `json:"-"`
	// UnknownSeconds is Unknown.
	UnknownSeconds float64 `json:"unknown_seconds"`
}

// Window is a number of buckets of time that lie side by side: of one width or, if that
// is 0, the days of the calendar in the zone of From.
type Window struct {
	From  time.Time     `json:"from"`
	Width time.Duration `json:"-"`
	N     int           `json:"buckets"`
}

// At is when the i-th bucket begins, and the one before it ends.
func (w Window) At(i int) time.Time {
	if w.Width == 0 {
		return beginOfDay(w.day(i))
	}
	return w.From.Add(time.Duration(i) * w.Width)
}

// day is noon of the i-th day, which there is once on every day.
func (w Window) day(i int) time.Time {
	return time.Date(w.From.Year(), w.From.Month(), w.From.Day()+i, 12, 0, 0, 0, w.From.Location())
}

// To is the end of the last bucket.
func (w Window) To() time.Time { return w.At(w.N) }

// beginOfDay is the first moment of the day that a noon is in. Where the clock is put
// forward at midnight that is not midnight, and where it is put back over midnight it is
// the first of two.
func beginOfDay(noon time.Time) time.Time {
	t := time.Date(noon.Year(), noon.Month(), noon.Day(), 0, 0, 0, 0, noon.Location())
	if t.Day() != noon.Day() { // there is no midnight: the day begins where the clock is put forward
		_, t = t.ZoneBounds()
		return t
	}
	if put, _ := t.ZoneBounds(); !put.IsZero() {
		_, before := put.Add(-1).Zone()
		_, since := t.Zone()
		if first := t.Add(-time.Duration(before-since) * time.Second); first.Before(put) && first.Day() == t.Day() {
			return first
		}
	}
	return t
}

// Cell is one bucket of a strip.
type Cell struct {
	State health.Verdict
	// NoData, Maintenance and Paused say that there is no state to show, or that it
	// does not count.
	NoData, Maintenance, Paused bool
	// Down and Degraded are for how long the subject was that.
	Down, Degraded time.Duration
}

// Change is a change of state.
type Change struct {
	Time time.Time      `json:"time"`
	Kind string         `json:"kind"`
	Name string         `json:"name"`
	Link string         `json:"page"`
	From health.Verdict `json:"from"`
	To   health.Verdict `json:"to"`
	// Reason is empty on public pages.
	Reason string `json:"reason,omitempty"`
	// Lasted is for how long the new state held, or has up to now if it is Current.
	Lasted  time.Duration `json:"-"`
	Seconds float64       `json:"lasted_seconds"`
	Current bool          `json:"current,omitempty"`
}

// AdHoc is a probe that /probe was asked for.
type AdHoc struct {
	ID      uint64        `json:"id"`
	Time    time.Time     `json:"time"`
	Module  string        `json:"module"`
	Target  string        `json:"target"`
	OK      bool          `json:"success"`
	Took    time.Duration `json:"-"`
	Seconds float64       `json:"duration_seconds"`
}
