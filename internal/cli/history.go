package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// History shows the last probes of a target, newest first, and its changes of state.
type History struct {
	Exporter
	Terminal
	App string
	// Limit is how many probes to show.
	Limit int
}

// Run asks and shows.
func (h *History) Run(ctx context.Context) int {
	defer h.done()
	var raw json.RawMessage
	err := h.act(ctx, h.Timeout, http.MethodGet, h.App, fmt.Sprintf("history?limit=%d", h.Limit), &raw)
	var log struct {
		Entries     []entry
		Transitions []struct {
			Time             time.Time
			From, To, Reason string
		}
	}
	if err == nil {
		err = json.Unmarshal(raw, &log)
	}
	if err != nil {
		return h.fail(err)
	}
	if h.JSON {
		return h.writeJSON(raw)
	}
	var rows [][]string
	for _, e := range log.Entries {
		rows = append(rows, []string{clock(e.Time), strings.ToUpper(e.Result), e.State, e.status(), latency(&e.Latency), e.why()})
	}
	if len(rows) == 0 {
		fmt.Fprintf(h.Out, "%s has not been probed yet\n", printable(h.App))
		return ExitOK
	}
	h.table([]string{"TIME", "RESULT", "STATE", "STATUS", "LATENCY", "WHY"}, rows)
	rows = nil
	for _, t := range log.Transitions {
		rows = append(rows, []string{clock(t.Time), t.From, t.To, t.Reason})
	}
	if len(rows) > 0 {
		fmt.Fprintln(h.Out)
		h.table([]string{"TIME", "FROM", "TO", "WHY"}, rows)
	}
	return ExitOK
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
