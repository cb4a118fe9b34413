package cli

import (
	"context"
	"time"
)

// List shows targets as a table.
type List struct {
	Exporter
	Terminal
	Filter
}

// Run asks and shows.
func (l *List) Run(ctx context.Context) int {
	defer l.done()
	chosen, err := l.find(ctx, &l.Filter, false)
	if err != nil {
		return l.fail(err)
	}
	if l.JSON {
		return l.writeJSON(map[string]any{"targets": append([]target{}, chosen...)})
	}
	l.show(chosen, time.Now())
	return ExitOK
}

// show writes the table that a list and a status have in common.
func (t *Terminal) show(targets []target, now time.Time) {
	if len(targets) == 0 {
		return
	}
	rows := make([][]string, 0, len(targets))
	for _, each := range targets {
		rows = append(rows, []string{
			each.stateWord(), each.App, each.Group, age(each.LastStateChange, now), age(each.LastCheck, now),
			latency(each.LastLatency), each.Place(), each.why(),
		})
	}
	t.table([]string{"STATE", "TARGET", "GROUP", "SINCE", "CHECKED", "LATENCY", "PLACE", "WHY"}, rows)
}
