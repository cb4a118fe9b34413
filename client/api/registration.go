package api

// Registration is a target as POST and PUT of /api/v1/targets take it. What is nil or
// empty is left to the exporter. The tag help says in one line what a field is.
type Registration struct {
	App       string            `json:"app" help:"Name of the target."`
	URL       string            `json:"url,omitempty" help:"What to probe."`
	Address   string            `json:"address,omitempty" help:"What to probe, for modules that take no URL."`
	Module    string            `json:"module,omitempty" help:"How to probe; the exporter's own default is health."`
	Email     *string           `json:"email,omitempty" help:"Who wants to know of changes."`
	Group     string            `json:"group,omitempty" help:"Heading under which pages show it."`
	Labels    map[string]string `json:"labels,omitempty" help:"A label as name=value."`
	DependsOn []string          `json:"depends_on,omitempty" help:"A target or check without which it cannot be well: while that is down, nobody is told of it."`
	Interval  *Seconds          `json:"interval,omitempty" help:"Time from one probe to the next, such as 30s."`
	Timeout   *Seconds          `json:"timeout,omitempty" help:"Deadline of one probe, such as 5s."`
	// InitialDelay is 0 for a first probe at once.
	InitialDelay     *Seconds    `json:"initial_delay,omitempty" help:"Time to the first probe; one interval, if not given."`
	Unhealthy        *int        `json:"unhealthy,omitempty" help:"Failures in a row that make it UNHEALTHY."`
	Healthy          *int        `json:"healthy,omitempty" help:"Passes in a row that make it HEALTHY."`
	DegradedAfter    *int        `json:"degraded_after,omitempty" help:"Failures in a row that make it DEGRADED."`
	FastStart        *bool       `json:"fast_start,omitempty" help:"Let one pass suffice for the first HEALTHY."`
	ValidStatusCodes StatusCodes `json:"valid_status_codes,omitempty" help:"A status code (204), class (2xx) or range (200-399) that is a pass."`
	TTL              *Seconds    `json:"ttl,omitempty" help:"How long it counts unless it is renewed, such as 10m; without it for ever."`
}

// Place is what is probed: the URL, or the address.
func (r *Registration) Place() string {
	if r.URL != "" {
		return r.URL
	}
	return r.Address
}
