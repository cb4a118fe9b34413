package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/prober"
)

func kindOf(module string) (prober.Kind, bool) {
	kind, ok := map[string]prober.Kind{"health": "health", "http_2xx": "http", "tcp_connect": "tcp"}[module]
	return kind, ok
}

const fullDump = `{
  "format": "health_exporter registry 1",
  "targets": [
    {
      "app": "bare",
      "url": "http://10.0.0.1",
      "module": "health",
      "interval": 30,
      "timeout": 5,
      "unhealthy": 2,
      "healthy": 10,
      "owner": "anonymous",
      "from": "own host",
      "registered_at": "2026-01-02T03:04:05.678Z"
    },
    {
      "app": "full ü",
      "address": "10.0.0.1:5432",
      "module": "tcp_connect",
      "email": "me@example.org",
      "group": "home",
      "labels": {
        "room": "attic"
      },
      "depends_on": [
        "bare"
      ],
      "interval": 10,
      "timeout": 3,
      "initial_delay": 300,
      "unhealthy": 4,
      "healthy": 3,
      "degraded_after": 2,
      "fast_start": true,
      "valid_status_codes": [
        "200",
        "400-499"
      ],
      "ttl": 600,
      "paused": true,
      "owner": "token:shop",
      "from": "10.0.0.9",
      "registered_at": "2025-01-02T03:04:05Z"
    }
  ]
}
`

// dumped is what a dump says.
func dumped(t *testing.T, d Dump) string {
	t.Helper()
	s := newScreen(false)
	d.Terminal = s.Terminal
	code := d.Run(t.Context())
	text := s.out.String()
	s.expect(t, 0, code)
	return text
}

// TestRoundTrip through the storage of a stopped exporter, a running one, and back.
func TestRoundTrip(t *testing.T) {
	dir, file := filepath.Join(t.TempDir(), "data"), written(t, "dump.json", fullDump)
	s := newScreen(false)
	load := Load{Terminal: s.Terminal, StoragePath: dir, File: file, KindOf: kindOf, DryRun: true}
	s.expect(t, 0, load.Run(t.Context()), "2 registrations could be loaded")
	if _, err := os.Stat(dir); err == nil {
		t.Error("a dry run has written")
	}
	load.DryRun = false
	for range 2 { // again it changes nothing
		s.expect(t, 0, load.Run(t.Context()), "2 registrations loaded")
		if diff := cmp.Diff(fullDump, dumped(t, Dump{StoragePath: dir})); diff != "" {
			t.Errorf("through storage:\n%s", diff)
		}
	}
	address, stop := exporter(t, "targets: [{app: of the file, url: 'http://10.0.0.2'}]", "", dir)
	at := Exporter{URL: "http://" + address}
	if diff := cmp.Diff(fullDump, dumped(t, Dump{Exporter: at})); diff != "" {
		t.Errorf("of the exporter that runs on that storage:\n%s", diff)
	}
	dump := Dump{Terminal: s.Terminal, StoragePath: dir}
	s.expect(t, 1, dump.Run(t.Context()), "in use by another process", "is reached with --url")
	load.StoragePath = dir
	s.expect(t, 1, load.Run(t.Context()), "in use by another process", "is reached with --url")
	stop()
	if diff := cmp.Diff(fullDump, dumped(t, Dump{StoragePath: dir})); diff != "" {
		t.Errorf("after the exporter has run:\n%s", diff)
	}

	other, _ := exporter(t, "", "", "")
	load = Load{Exporter: Exporter{URL: "http://" + other}, Terminal: s.Terminal, File: "-", In: strings.NewReader(fullDump)}
	s.expect(t, 0, load.Run(t.Context()), "2 registrations loaded")
	got := dumped(t, Dump{Exporter: Exporter{URL: "http://" + other}})
	if diff := cmp.Diff(withoutPast(t, fullDump), withoutPast(t, got)); diff != "" {
		t.Errorf("through the API:\n%s", diff)
	}
}

// withoutPast leaves out what the API sets itself.
func withoutPast(t *testing.T, text string) []record {
	t.Helper()
	records, err := readDump(strings.NewReader(text), anyKind)
	if err != nil {
		t.Fatal(err)
	}
	for i := range records {
		records[i].Owner, records[i].From, records[i].RegisteredAt = "", "", nil
	}
	return records
}

func TestLoadNothingOfABadDump(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	bad := written(t, "bad.json", `{"format": "health_exporter registry 1", "targets": [
		{"app": "good", "url": "http://10.0.0.1"},
		{"app": "good", "url": "http://10.0.0.1", "interval": 1, "timeout": 2.5},
		{"app": "a", "url": "http://10.0.0.1", "module": "none", "owner": "me", "from": "mars"},
		{"app": "b", "url": "http://10.0.0.1", "wat": 1}]}`)
	s := newScreen(false)
	load := Load{Terminal: s.Terminal, StoragePath: dir, File: bad, KindOf: kindOf}
	s.expect(t, 1, load.Run(t.Context()), "nothing was loaded from "+bad,
		"targets[1] (good): app: is given twice, first as targets[0]", "targets[1] (good): interval: must be between 5 and 300",
		"targets[1] (good): timeout: must be a whole number of seconds", `targets[2] (a): module: unknown module "none"`,
		"targets[2] (a): owner: must be", `targets[2] (a): from: must be an address, "own host" or "elsewhere", not "mars"`, `targets[3]: unknown field "wat"`)
	if _, err := os.Stat(dir); err == nil {
		t.Error("something was written")
	}
	dump := Dump{Terminal: s.Terminal, StoragePath: dir}
	s.expect(t, 1, dump.Run(t.Context()), "there is no registry in")
	dump.StoragePath = ""
	s.expect(t, 1, dump.Run(t.Context()), "--storage.path is empty")

	address, _ := exporter(t, "targets: [{app: of the file, url: 'http://10.0.0.2'}]", "", "")
	at := Exporter{URL: "http://" + address}
	load = Load{Exporter: at, Terminal: s.Terminal, File: "-", In: strings.NewReader(`{"format": "health_exporter registry 1", "targets": [
		{"app": "good", "url": "http://10.0.0.1"},
		{"app": "of the file", "url": "http://10.0.0.1"},
		{"app": "a", "url": "http://10.0.0.1", "module": "none"}]}`)}
	s.expect(t, 1, load.Run(t.Context()), "nothing was loaded", "can only be changed there", `unknown module "none"`)
	if names := at.Names(t.Context()); len(names) != 1 {
		t.Errorf("after a bad dump there are %q", names)
	}
}

func FuzzReadDump(f *testing.F) {
	f.Add([]byte(fullDump))
	f.Add([]byte(`{"format": "health_exporter registry 1", "targets": [{"app": "a", "interval": 1e300, "initial_delay": -1}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		records, err := readDump(bytes.NewReader(text), kindOf)
		if err != nil {
			return
		}
		// What is accepted is a dump of itself.
		d := dump{Format: dumpFormat}
		for _, r := range records {
			target, _ := r.target()
			raw, err := json.Marshal(recordOf(&target))
			if err != nil {
				t.Fatal(err)
			}
			d.Targets = append(d.Targets, raw)
			if target.Interval < time.Second || target.Interval%time.Second != 0 {
				t.Errorf("interval %s of %s", target.Interval, raw)
			}
		}
		again, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readDump(bytes.NewReader(again), kindOf); err != nil {
			t.Errorf("%s\nbecomes\n%s\nwhich is refused: %s", text, again, err)
		}
	})
}
