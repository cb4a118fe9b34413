package cli

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/prober"
)

// Add registers a target.
type Add struct {
	Exporter
	Terminal

	App, Place, Email, Module, Group string
	// What is zero or negative is left to the exporter.
	Interval, ProbeTimeout, InitialDelay time.Duration
	Unhealthy, Healthy                   int
	FastStart                            bool
	Labels                               map[string]string
}

// addition is a registration; what is not given is left away.
type addition struct {
	App          string            `json:"app"`
	URL          string            `json:"url,omitempty"`
	Address      string            `json:"address,omitempty"`
	Email        string            `json:"email,omitempty"`
	Module       string            `json:"module,omitempty"`
	Group        string            `json:"group,omitempty"`
	Interval     int64             `json:"interval,omitempty"`
	Timeout      int64             `json:"timeout,omitempty"`
	InitialDelay *int64            `json:"initial_delay,omitempty"`
	Unhealthy    int               `json:"unhealthy,omitempty"`
	Healthy      int               `json:"healthy,omitempty"`
	FastStart    bool              `json:"fast_start,omitempty"`
	Labels       map[string]string `json:"labels,omitempty"`
}

// Run registers it, and passes on what the exporter warns of.
func (a *Add) Run(ctx context.Context) int {
	defer a.done()
	var added target
	if err := a.do(ctx, http.MethodPost, "api/v1/targets", a.registration(), &added); err != nil {
		return a.fail(err)
	}
	for _, w := range added.Warnings {
		fmt.Fprintf(a.Err, "health_exporter: warning: %s: %s\n", w.Field, printable(w.Detail))
	}
	if a.JSON {
		return a.writeJSON(added)
	}
	fmt.Fprintf(a.Out, "added %s: %s with module %s, every %s\n", printable(added.App), printable(added.place()), added.Module, inSeconds(added.Interval))
	return ExitOK
}

// registration takes what has no scheme for an address, if a module is named: the
// default one needs a URL, and completes it.
func (a *Add) registration() addition {
	r := addition{
		App: a.App, URL: a.Place, Email: a.Email, Module: a.Module, Group: a.Group, Labels: a.Labels, FastStart: a.FastStart,
		Interval: int64(a.Interval / time.Second), Timeout: int64(a.ProbeTimeout / time.Second), Unhealthy: a.Unhealthy, Healthy: a.Healthy,
	}
	if a.Module != "" && a.Module != prober.DefaultModule && !strings.Contains(a.Place, "://") {
		r.URL, r.Address = "", a.Place
	}
	if a.InitialDelay >= 0 {
		r.InitialDelay = new(int64(a.InitialDelay / time.Second))
	}
	return r
}

func inSeconds(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
