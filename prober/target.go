package prober

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/health-exporter/health_exporter/health"
)

// Target is something polled over the network. It is a value: whoever has one
// may not change what its maps and slices hold. The tags are those of what is stored,
// and of the configuration file.
type Target struct {
	// App identifies the target and is its label "target": 1 to 128 characters.
	App string `json:"app" yaml:"app"`
	// URL is what to probe, an absolute http or https URL; or, for modules that
	// need none, empty.
	URL string `json:"url,omitempty" yaml:"url"`
	// Address is what to probe if there is no URL, as the module's kind reads it.
	Address string `json:"address,omitempty" yaml:"address"`
	// Module names how to probe; empty means DefaultModule.
	Module string `json:"module,omitempty" yaml:"module"`
	// Email is who wants to know; empty for nobody in particular.
	Email string `json:"email,omitempty" yaml:"email"`
	// Group is a heading under which pages show the target.
	Group string `json:"group,omitempty" yaml:"group"`
	// Labels are shown on health_target_info only.
	Labels map[string]string `json:"labels,omitempty" yaml:"labels"`

	// DependsOn names targets, or checks, without which this one cannot be well: while
	// one of them is down, nobody is notified of this one.
	DependsOn []string `json:"depends_on,omitempty" yaml:"depends_on"`

	// Interval is the time from one probe to the next.
	Interval time.Duration `json:"interval" yaml:"interval"`
	// Timeout is the total deadline of one probe.
	Timeout time.Duration `json:"timeout" yaml:"timeout"`
	// InitialDelay is the time from registration to the first probe; nil means the source's default.
	InitialDelay *time.Duration `json:"initial_delay,omitempty" yaml:"initial_delay"`
	// Unhealthy, Healthy, DegradedAfter and FastStart are the thresholds of the state machine.
	Unhealthy     int  `json:"unhealthy" yaml:"unhealthy"`
	Healthy       int  `json:"healthy" yaml:"healthy"`
	DegradedAfter int  `json:"degraded_after,omitempty" yaml:"degraded_after"`
	FastStart     bool `json:"fast_start,omitempty" yaml:"fast_start"`
	// StatusCodes, if any, replaces the module's valid status codes.
	StatusCodes StatusCodes `json:"valid_status_codes,omitempty" yaml:"valid_status_codes"`

	// TTL is how long the registration counts unless it is renewed; 0 for ever.
	TTL time.Duration `json:"ttl,omitempty" yaml:"-"`

	// Paused keeps the target without probing it.
	Paused bool `json:"paused,omitempty" yaml:"paused"`
	// Source says who told us of the target.
	Source Source `json:"source,omitempty" yaml:"-"`
	// Owner is who may change a target registered through the API.
	Owner string `json:"owner,omitempty" yaml:"-"`
	// From is from where it was registered through the API: FromOwnHost, the address of
	// who did, or FromElsewhere.
	From string `json:"from,omitempty" yaml:"-"`
	// RegisteredAt is when the target was first told to us.
	RegisteredAt time.Time `json:"registered_at,omitzero" yaml:"-"`
	// MailAllowed says that Email may be mailed and shown as a label.
	MailAllowed bool `json:"-" yaml:"-"`
}

// What From may be besides an address.
const (
	// FromOwnHost means that the exporter's own host registered the target.
	FromOwnHost = "own host"
	// FromElsewhere means that it was another one, whose address is not known.
	FromElsewhere = "elsewhere"
)

// FromOtherHost reports whether another host has registered the target. What somebody
// there writes down must not lead to what only this host may reach.
func (t *Target) FromOtherHost() bool { return t.From != "" && t.From != FromOwnHost }

// DefaultModule is the module of targets that name none.
const DefaultModule = "health"

// Defaults of a Target; those of the thresholds are health's.
const (
	DefaultInterval = 30 * time.Second
	DefaultTimeout  = 5 * time.Second
)

// NewTarget has everything a target has by default, whoever tells us of it. Only App
// and a place are missing.
func NewTarget() Target {
	return Target{
		Interval: DefaultInterval, Timeout: DefaultTimeout,
		Unhealthy: health.DefaultUnhealthy, Healthy: health.DefaultHealthy,
	}
}

// ModuleName names the module that probes the target: its own, or else DefaultModule.
func (t *Target) ModuleName() string { return cmp.Or(t.Module, DefaultModule) }

// Thresholds are the target's thresholds for the state machine.
func (t *Target) Thresholds() health.Thresholds {
	return health.Thresholds{
		Unhealthy: t.Unhealthy, Healthy: t.Healthy,
		DegradedAfter: t.DegradedAfter, FastStart: t.FastStart,
	}
}

// Place is what is probed: the URL, or the address.
func (t *Target) Place() string {
	if t.URL != "" {
		return t.URL
	}
	return t.Address
}

// Equal reports whether two targets are the same in every field.
func (t *Target) Equal(u *Target) bool {
	a, b := *t, *u
	if !maps.Equal(a.Labels, b.Labels) || !slices.Equal(a.StatusCodes, b.StatusCodes) || !slices.Equal(a.DependsOn, b.DependsOn) ||
		!equalDelay(a.InitialDelay, b.InitialDelay) || !a.RegisteredAt.Equal(b.RegisteredAt) {
		return false
	}
	return a.App == b.App && a.URL == b.URL && a.Address == b.Address && a.Module == b.Module &&
		a.Email == b.Email && a.Group == b.Group && a.Interval == b.Interval && a.Timeout == b.Timeout &&
		a.Unhealthy == b.Unhealthy && a.Healthy == b.Healthy && a.DegradedAfter == b.DegradedAfter &&
		a.FastStart == b.FastStart && a.Paused == b.Paused && a.Source == b.Source && a.Owner == b.Owner &&
		a.From == b.From && a.MailAllowed == b.MailAllowed && a.TTL == b.TTL
}

func equalDelay(a, b *time.Duration) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
