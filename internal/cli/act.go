package cli

import (
	"context"
	"fmt"
	"net/http"
)

// Act does one thing to each of some targets.
type Act struct {
	Exporter
	Terminal
	Apps []string
}

// Remove takes them off the exporter.
func (a *Act) Remove(ctx context.Context) int { return a.each(ctx, http.MethodDelete, "", "removed") }

// Pause keeps them from being probed.
func (a *Act) Pause(ctx context.Context) int { return a.each(ctx, http.MethodPost, "pause", "paused") }

// Resume ends a pause.
func (a *Act) Resume(ctx context.Context) int {
	return a.each(ctx, http.MethodPost, "resume", "resumed")
}

// each goes on after a fault: what can be done is done.
func (a *Act) each(ctx context.Context, method, action, done string) int {
	defer a.done()
	code := ExitOK
	type outcome struct {
		App    string `json:"app"`
		Done   string `json:"done,omitempty"`
		Error  string `json:"error,omitempty"`
		Target any    `json:"target,omitempty"`
	}
	var outcomes []outcome
	for _, app := range a.Apps {
		o := outcome{App: app, Done: done}
		var t target
		if err := a.act(ctx, a.Timeout, method, app, action, &t); err != nil {
			code = a.fail(err)
			o.Done, o.Error = "", err.Error()
		} else if !a.JSON {
			fmt.Fprintf(a.Out, "%s %s\n", done, printable(app))
		}
		if t.raw != nil {
			o.Target = t
		}
		outcomes = append(outcomes, o)
	}
	if a.JSON {
		return max(code, a.writeJSON(map[string]any{"targets": outcomes}))
	}
	return code
}
