package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/health-exporter/health_exporter/client"
	"github.com/health-exporter/health_exporter/client/api"
)

// target is what the exporter's API returns for one, or for a check.
type target struct {
	api.Target
	raw json.RawMessage // all of it, as it came
}

// UnmarshalJSON keeps what came.
func (t *target) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &t.Target); err != nil {
		return err
	}
	t.raw = slices.Clone(text)
	return nil
}

// MarshalJSON is what came, so that nothing is lost on the way.
func (t target) MarshalJSON() ([]byte, error) { return t.raw, nil }

// why says what is wrong.
func (t *target) why() string {
	switch {
	case t.Problem != "":
		return t.Problem
	case t.LastError != "" && t.LastReason != "":
		return t.LastReason + ": " + t.LastError
	}
	return t.LastError
}

func (t *target) stateWord() string {
	switch {
	case t.Paused:
		return "PAUSED"
	case t.Maintenance:
		return "MAINTENANCE"
	}
	return t.State
}

// urgency puts the worst first, and last what does not count.
func (t *target) urgency() int {
	switch {
	case t.Paused:
		return 5
	case t.Maintenance:
		return 4
	}
	return slices.Index([]string{"UNHEALTHY", "DEGRADED", "UNKNOWN", "HEALTHY"}, t.State)
}

// Filter chooses targets. What is empty does not matter.
type Filter struct {
	// Apps and Groups are names, States the words of states in any case, or paused.
	Apps, Groups, States []string
}

// StateNames are what Filter.States may have.
func StateNames() []string {
	return []string{"unhealthy", "degraded", "unknown", "healthy", "maintenance", "paused"}
}

// choose leaves out what is not chosen, and sorts: not healthy first.
func (f *Filter) choose(all []target) []target {
	chosen := slices.DeleteFunc(slices.Clone(all), func(t target) bool {
		return len(f.Apps) > 0 && !slices.Contains(f.Apps, t.App) ||
			len(f.Groups) > 0 && !slices.Contains(f.Groups, t.Group) ||
			len(f.States) > 0 && !slices.Contains(f.States, strings.ToLower(t.stateWord()))
	})
	slices.SortStableFunc(chosen, func(a, b target) int { return a.urgency() - b.urgency() })
	return chosen
}

// groupOfChecks is the group that checks are shown in.
const groupOfChecks = "Checks"

// checks asks for the in-process checks of the exporter, as if they were targets. An
// exporter that is too old to list them has none.
func (e *Exporter) checks(ctx context.Context) ([]target, error) {
	var list struct {
		Checks []check `json:"checks"`
	}
	err := e.do(ctx, http.MethodGet, "api/v1/checks", nil, &list)
	if refused, ok := errors.AsType[*client.Refusal](err); ok && refused.Status == http.StatusNotFound {
		return nil, nil
	}
	var all []target
	for _, c := range list.Checks {
		all = append(all, target(c))
	}
	return all, err
}

// check is what the exporter's API returns for one, taken for a target.
type check target

// UnmarshalJSON gives the target what is called otherwise in a check.
func (c *check) UnmarshalJSON(text []byte) error {
	var own struct{ Name, Kind string }
	if err := errors.Join(json.Unmarshal(text, (*target)(c)), json.Unmarshal(text, &own)); err != nil {
		return err
	}
	c.App, c.Group, c.Address = own.Name, groupOfChecks, "check of kind "+own.Kind
	return nil
}

// act makes a request about one target. If the name is unknown, the error
// says which there is.
func (e *Exporter) act(ctx context.Context, timeout time.Duration, method, app, action string, into any) error {
	path := targetPath(app)
	if action != "" {
		path = targetPath(app, action)
	}
	err := e.doWithin(ctx, timeout, method, path, nil, into)
	refused, ok := errors.AsType[*client.Refusal](err)
	if !ok || refused.Status != http.StatusNotFound {
		return err
	}
	names := e.namesOf(ctx, "app") // without them there is no advice
	return fmt.Errorf("there is no target %q%s", app, didYouMean(app, names))
}

// Names lists the targets, for completion; it is quick, or gives none.
func (e Exporter) Names(ctx context.Context) []string {
	defer e.done()
	e.Timeout = 500 * time.Millisecond
	return e.namesOf(ctx, "app")
}
