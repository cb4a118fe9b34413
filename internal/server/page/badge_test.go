package page

import "testing"

// TestUptimeBadgeColors has the bounds of the colours.
func TestUptimeBadgeColors(t *testing.T) {
	for _, test := range []struct {
		share float64
		known bool
		want  string
	}{
		{1, true, "#1a7f37"},
		{0.99, true, "#1a7f37"},
		{0.9899, true, "#8a5a00"},
		{0.95, true, "#8a5a00"},
		{0.9499, true, "#b91c28"},
		{0.9, true, "#b91c28"},
		{0, true, "#b91c28"},
		{0, false, "#57606a"},
		{1, false, "#57606a"},
	} {
		if b := UptimeBadge("24 h", Uptime{Share: test.share, Known: test.known}); b.Color != test.want || b.Label != "uptime 24 h" {
			t.Errorf("%v, known %v: %+v, want %s", test.share, test.known, b, test.want)
		}
	}
}
