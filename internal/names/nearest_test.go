package names

import "testing"

func TestNearest(t *testing.T) {
	list := []string{"limit", "cursor", "state", "health_target_info", "späti"}
	for wrong, want := range map[string]string{
		"limt": "limit", "stat": "state", "states": "state", "health_target_inf": "health_target_info", "spati": "späti",
		"limit": "limit", "completely else": "", "": "", "x": "",
	} {
		if got := Nearest(wrong, list); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", wrong, got, want)
		}
	}
	if got := Nearest("limit", nil); got != "" {
		t.Errorf("of nothing: %q", got)
	}
	for _, pair := range [][2]string{{"", "abc"}, {"kitten", "sitting"}, {"ü", "u"}} {
		a, b := distance([]rune(pair[0]), []rune(pair[1])), distance([]rune(pair[1]), []rune(pair[0]))
		if a != b || a < 1 || a > 3 {
			t.Errorf("%q: %d and %d", pair, a, b)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	known := []string{"router", "nas", "web-2", "web-1", "küche", ""}
	for wrong, want := range map[string]string{
		"ruter": `; did you mean "router"?`, "Router": `; did you mean "router"?`, "routre": `; did you mean "router"?`,
		"web-3": `; did you mean "web-1"?`, "kuche": `; did you mean "küche"?`, "nass": `; did you mean "nas"?`,
		"printer-in-the-attic": "", "xyz": "", "": "", "routerrouterrouterrouterrouter": "",
	} {
		if got := DidYouMean(wrong, known); got != want {
			t.Errorf("%q: %q, want %q", wrong, got, want)
		}
	}
	if got := DidYouMean("a", nil); got != "" {
		t.Errorf("nothing is like %q", got)
	}
}
