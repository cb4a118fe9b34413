package cli

import (
	"bytes"
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
	var out bytes.Buffer
	(&Discover{}).print(&out, found)
	want := `NAME      TYPE                   ADDRESS   PORT   PATH
NAS·[1m   _http._tcp             10.0.0.7  8080   /health
exporter  _health-exporter._tcp  fd00::1   10115  
`
	if out.String() != want {
		t.Errorf("%s\nwant\n%s", out.String(), want)
	}
	out.Reset()
	(&Discover{JSON: true}).print(&out, found)
	var list []serviceJSON
	if err := json.Unmarshal(out.Bytes(), &list); err != nil || len(list) != 2 || list[0].Path != "/health" || list[1].URL != "https://[fd00::1]:10115" {
		t.Errorf("%v %+v", err, list)
	}
	out.Reset()
	if (&Discover{JSON: true}).print(&out, nil); strings.TrimSpace(out.String()) != "[]" {
		t.Errorf("nothing is %q", out.String())
	}
}

func TestDiscoverExitCodes(t *testing.T) {
	var out, complaints bytes.Buffer
	d := Discover{Types: []string{"_nobody-has-it._tcp"}, Timeout: time.Millisecond}
	if code := d.Run(t.Context(), &out, &complaints); code != 1 || out.Len() > 0 || !strings.Contains(complaints.String(), "UDP port 5353") {
		t.Errorf("%d %q %q", code, out.String(), complaints.String())
	}
	complaints.Reset()
	d.Types = []string{"http"}
	if code := d.Run(t.Context(), &out, &complaints); code != 2 || !strings.Contains(complaints.String(), `"http" is no type`) {
		t.Errorf("%d %q", code, complaints.String())
	}
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
