package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/health-exporter/health_exporter/client/api"
)

// ProbeNow has the exporter probe targets at once. It counts as a normal probe.
type ProbeNow struct {
	Exporter
	Terminal
	Apps []string
}

// entry is one line of a target's log.
type entry struct{ api.Entry }

func (e *entry) why() string {
	if e.Reason != "" && e.Error != "" {
		return e.Reason + ": " + e.Error
	}
	return cmp.Or(e.Error, e.Reason)
}

func (e *entry) status() string {
	if e.StatusCode == nil {
		return "-"
	}
	return fmt.Sprint(*e.StatusCode)
}

// Run probes one after the other. The exit code is 1 if one of them failed.
func (p *ProbeNow) Run(ctx context.Context) int {
	defer p.done()
	code := ExitOK
	results := map[string]json.RawMessage{}
	var rows [][]string
	for _, app := range p.Apps {
		raw, err := p.probe(ctx, app)
		var e entry
		if err == nil {
			err = json.Unmarshal(raw, &e)
		}
		if err != nil {
			code = p.fail(err)
			continue
		}
		if e.Result == "fail" {
			code = ExitFailed
		}
		results[app] = raw
		rows = append(rows, []string{strings.ToUpper(e.Result), app, e.State, e.status(), latency(&e.Latency), e.why()})
	}
	switch {
	case p.JSON:
		return max(code, p.writeJSON(results))
	case len(rows) > 0:
		p.table([]string{"RESULT", "TARGET", "STATE", "STATUS", "LATENCY", "WHY"}, rows)
	}
	return code
}

// probe waits for as long as the probe may take.
func (p *ProbeNow) probe(ctx context.Context, app string) (raw json.RawMessage, err error) {
	var t target
	timeout := cmp.Or(p.Timeout, defaultRequestTimeout)
	if err := p.act(ctx, timeout, http.MethodGet, app, "", &t); err != nil {
		return nil, err
	}
	err = p.act(ctx, timeout+t.Timeout.Duration(), http.MethodPost, app, "probe", &raw)
	return raw, err
}
