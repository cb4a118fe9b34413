package app

import (
	"testing"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/internal/journal"
)

// TestHappening says a second time what each word of the journal means to people.
func TestHappening(t *testing.T) {
	for what, want := range map[journal.What]alerting.Happening{
		journal.StateChanged: alerting.StateChanged, journal.Registered: alerting.Registered, journal.Changed: alerting.Registered,
		journal.Returned: alerting.Registered, journal.Found: alerting.Registered, journal.Removed: alerting.Removed,
		journal.Gone: alerting.Lost, journal.Forgotten: alerting.Forgotten, journal.NotProbed: alerting.NotProbed,
		journal.Turned: alerting.Other, journal.Paused: alerting.Other, journal.Resumed: alerting.Other,
		journal.Maintenance: alerting.Other, journal.MaintenanceOver: alerting.Other, "a word to come": alerting.Other,
	} {
		if got := happening(what); got != want {
			t.Errorf("%q is %d, want %d", what, got, want)
		}
	}
}
