package prober

import "testing"

// What the kinds say of themselves is what their probes do with a target.
func TestKindsAnswer(t *testing.T) {
	type answers struct {
		takesURL, needsURL, hostOnly bool
		asked                        string
	}
	want := map[Kind]answers{
		"health": {takesURL: true, needsURL: true, asked: "http://a/b/health?c=d"},
		"http":   {takesURL: true}, "icmp": {hostOnly: true},
		"dns": {}, "grpc": {}, "tcp": {}, "unix": {}, "websocket": {},
		"func": {}, "": {}, "no kind": {}, // what is none
	}
	for _, name := range Kinds() {
		if _, ok := want[Kind(name)]; !ok {
			t.Errorf("the test does not know kind %q", name)
		}
	}
	for kind, want := range want {
		got := answers{kind.TakesURL(), kind.NeedsURL(), kind.HostOnly(), kind.Asked("http://a/b?c=d")}
		if got != want {
			t.Errorf("%s: %+v, want %+v", kind, got, want)
		}
		if err := kind.Available(); err != nil && kind != "icmp" {
			t.Errorf("%s: %s", kind, err)
		}
	}
	if asked := Kind("health").Asked("http://a b"); asked != "" {
		t.Errorf("asks for %q", asked)
	}
}
