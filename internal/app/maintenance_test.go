package app

import (
	"log/slog"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/alerting/outbox"
)

// TestWindowsMove: maintenance windows that earlier versions kept in the outbox are in
// force after the update, also if it was killed between the two files.
func TestWindowsMove(t *testing.T) {
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	end := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	old := func() {
		o, err := outbox.Open(outbox.Options{Path: dir, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		text := `{"name":"patch","targets":["nas"],"start":"2026-01-01T00:00:00Z","end":"` + end.Format(time.RFC3339) + `"}`
		if err := o.Keep(map[string][]byte{"window\x00patch": []byte(text)}); err != nil {
			t.Fatal(err)
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, before := range []func(){old, func() {}, old} { // the last: the outbox still has it, as after a kill
		before()
		a, err := New(Options{StoragePath: dir, Web: webFlags("127.0.0.1:0"), Log: log})
		if err != nil {
			t.Fatal(err)
		}
		windows := maintenanceWindows{a.telling}
		if list := windows.List(time.Now()); len(list) != 1 || list[0].Name != "patch" || !list[0].End.Equal(end) || !list[0].Open {
			t.Errorf("listed: %+v", list)
		}
		if covers := windows.Covering(time.Now()); !covers("nas", "") || covers("tv", "") {
			t.Error("it does not cover nas alone")
		}
		if left, err := a.telling.outbox.OldWindows(); err != nil || len(left) != 0 {
			t.Errorf("left in the outbox: %v, %v", left, err)
		}
		if err := a.parts.close(); err != nil {
			t.Error(err)
		}
	}
}
