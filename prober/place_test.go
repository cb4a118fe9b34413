package prober

import (
	"strings"
	"testing"
)

// TestPlaces of every kind: what could never be probed is refused when it is written down.
func TestPlaces(t *testing.T) {
	for _, test := range []struct {
		kind Kind
		good string
		bad  string // separated by "|", as good
	}{
		{
			"tcp", "db:5432|10.0.0.1:22|[fd00::1]:22|[fe80::1%eth0]:22|db.example.org.:https|_x._tcp.example.org:1|münchen.example:80|db:http-alt|db:3com-tsmux",
			"db|10.0.0.1|fd00::1|:80|db:|http://db:80|db:0|db:99999|db:-1|my db:22|db .org:22|a,b:22|a..b:22|10.0.0.256:22|/run/x.sock|@abstract",
		},
		{"icmp", "router|10.0.0.1|fd00::1|[fd00::1]|fe80::1%eth0|router.example.org.|münchen.example", "router:80|http://router|my router|10.0.0.1/24|10.0.0.300|a..b|.|a?b"},
		{"dns", "10.0.0.1|resolver:53|[fd00::1]:53|fd00::1|resolver", "my resolver|https://resolver/dns-query|resolver:0|resolver:99999|10.0.0.1:|10.0.0.256"},
		{"grpc", "orders|orders:8443|http://orders:8443/x|[fd00::1]:1|fd00::1|10.0.0.1", "my orders:1|orders:0|orders:99999|ftp://orders|http://|a..b:1"},
		{"websocket", "ws://chat|wss://chat:8443/x?y", "chat|chat:80|ws://|ftp://chat|ws://my chat/|ws://chat:0|ws://chat:99999|ws://a..b/"},
		{"unix", "/run/docker.sock|@abstract|run/x.sock|/run/with space.sock", ""},
		{"http", "http://a.example|a.example:80/x|http://[fd00::1]/|http://münchen.example/|http://a_b/", "http://my host/|my host|http://a..b/|http://10.0.0.256/|http://a,b/|http://*/"},
		{"health", "http://a.example|a.example:80/x|http://[fd00::1]/", "http://my host/|http://a..b/|http://256.1.1.1/|http://{host}/"},
	} {
		faults := func(place string) (list []string) {
			target := valid()
			target.URL, target.Address, target.Module = "", place, "m"
			if test.kind == "health" {
				target.URL, target.Address = place, ""
			}
			for _, f := range target.Validate(FileLimits(), func(string) (Kind, bool) { return test.kind, true }) {
				list = append(list, f.Error())
			}
			return list
		}
		for place := range strings.SplitSeq(test.good, "|") {
			if list := faults(place); len(list) > 0 {
				t.Errorf("%s, %q: %q", test.kind, place, list)
			}
		}
		for place := range strings.SplitSeq(test.bad, "|") {
			if test.bad == "" {
				continue
			}
			list := faults(place)
			if len(list) != 1 || !strings.Contains(list[0], place) {
				t.Errorf("%s, %q: %q, want one fault that names it", test.kind, place, list)
			}
		}
	}
}
