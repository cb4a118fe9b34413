package cli

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kingpin/v2"

	"github.com/health-exporter/health_exporter/client"
)

func TestDiscoverPrints(t *testing.T) {
	found := []client.Service{
		{Name: "NAS\x1b[1m", Type: "_http._tcp", Host: "nas.local", Address: netip.MustParseAddr("10.0.0.7"), Port: 8080, Text: map[string]string{"path": "/health"}},
		{Name: "exporter", Type: client.ExporterType, Address: netip.MustParseAddr("fd00::1"), Port: 10115, Text: map[string]string{"scheme": "https"}},
	}
	d, s := Discover{}, newScreen(false)
	d.Terminal = s.Terminal
	want := `NAME      TYPE                   ADDRESS   PORT   PATH
NAS·[1m   _http._tcp             10.0.0.7  8080   /health
exporter  _health-exporter._tcp  fd00::1   10115
`
	if code := d.show(found); code != 0 || s.out.String() != want {
		t.Errorf("%d\n%s\nwant\n%s", code, s.out.String(), want)
	}
	s.out.Reset()
	d.JSON = true
	d.show(found)
	var list []serviceJSON
	if err := json.Unmarshal(s.out.Bytes(), &list); err != nil || len(list) != 2 || list[0].Path != "/health" || list[1].URL != "https://[fd00::1]:10115" {
		t.Errorf("%v %+v", err, list)
	}
	s.out.Reset()
	if d.show(nil); strings.TrimSpace(s.out.String()) != "[]" {
		t.Errorf("nothing is %q", s.out.String())
	}
}

func TestDiscoverExitCodes(t *testing.T) {
	s := newScreen(false)
	d := Discover{Terminal: s.Terminal, Types: []string{"_nobody-has-it._tcp"}, Timeout: time.Millisecond}
	code := d.Run(t.Context())
	if s.out.Len() > 0 {
		t.Errorf("it prints %q", s.out.String())
	}
	s.expect(t, 1, code, "UDP port 5353")
	d.Types = []string{"http"}
	s.expect(t, 2, d.Run(t.Context()), `"http" is not a valid type`)
}

func TestDiscoverFlags(t *testing.T) {
	var d Discover
	k := kingpin.New("x", "")
	d.Flags(k.Command("discover", ""))
	if _, err := k.Parse([]string{"discover", "--type=_a._tcp", "--type=_b._tcp", "--json"}); err != nil || len(d.Types) != 2 || !d.JSON || d.Timeout != 2*time.Second {
		t.Errorf("%v %+v", err, d)
	}
	if _, err := k.Parse([]string{"discover", "--timeout=soon"}); err == nil {
		t.Error("no error")
	}
}
