package prober

import (
	"fmt"
	"strings"
	"testing"
)

// TestLoginsInMalformedPlaces are refused as what they are, and no error shows them.
func TestLoginsInMalformedPlaces(t *testing.T) {
	for _, place := range []string{
		"http:///u:secretpw@10.1.1.1/", "http:/u:secretpw@10.1.1.1/", "http:u:secretpw@h", "https:////u:secretpw@h", `http:\\u:secretpw@h`, "HTTP:///u:secretpw@h/x", "ws:///u:secretpw@h", "wss:/secretpw@h",
		"http:///u:secretpw%40h", "http://?u:secretpw@h", "http://#secretpw@h", "http://u:secretpw@h", "u:secretpw@h", "u:secretpw@h:80", "://u:secretpw@h", "http://[u:secretpw@h", " http:///u:secretpw@h",
	} {
		if !hasUserinfo(place) {
			t.Errorf("%s has no login", place)
		}
		if shown := WithoutLogin(place); strings.Contains(shown, "secretpw") || shown == place {
			t.Errorf("%s is shown as %s", place, shown)
		}
		for what, err := range map[string]error{
			"a rule": func() error { _, _, err := ParseNetworkRule(place); return err }(), "a network": func() error { _, _, err := ParseNetwork(place); return err }(),
			"a rule with a port": func() error { _, _, err := ParseNetworkRule("[" + place + "]:80"); return err }(), "a rule that goes on": func() error { _, _, err := ParseNetworkRule("[::1]" + place); return err }(),
		} {
			if err == nil || strings.Contains(err.Error(), "secretpw") {
				t.Errorf("%s as %s: %v", place, what, err)
			}
		}
		for _, kind := range []Kind{"http", "tcp", "icmp", "dns", "grpc", "websocket", "health"} {
			for _, target := range []*Target{{App: "a", URL: place}, {App: "a", Address: place}} {
				faults := target.Validate(Limits{}, func(string) (Kind, bool) { return kind, true })
				if len(faults) == 0 || strings.Contains(fmt.Sprint(faults), "secretpw") {
					t.Errorf("%s of kind %s: %v", place, kind, faults)
				}
			}
		}
	}
	for _, place := range []string{"http://h/@me", "http://h/users/a:b@c", "http://h?x=a@b", "@socket", "/run/a@b.sock", "http://h", "h:80", "http", "http:80", "http://h/%40", "unix:///run/a@b"} {
		if hasUserinfo(place) {
			t.Errorf("%s has a login", place)
		}
	}
	if _, _, err := ParseNetworkRule("u:p@h"); err == nil || err.Error() != `"…@h": "h" is not a valid port, must be 1 to 65535` {
		t.Error(err)
	}
}
