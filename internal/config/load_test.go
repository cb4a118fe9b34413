package config

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/internal/strictyaml"
	"github.com/health-exporter/health_exporter/prober"
)

func TestLoadGood(t *testing.T) {
	c, err := Load("testdata/good.yml")
	if err != nil {
		t.Fatal(err)
	}
	delay := 10 * time.Second
	want := []prober.Target{
		{
			App: "media centre", URL: "http://10.0.0.7:8096", Email: "Me@example.org", Group: "home",
			Labels: map[string]string{"room": "attic"}, Interval: time.Minute, Timeout: 5 * time.Second,
			Unhealthy: 3, Healthy: 2, Source: "config", MailAllowed: true,
		},
		{
			App: "api", URL: "https://api.example.org/ping", Module: "api", Interval: 30 * time.Second,
			Timeout: 5 * time.Second, Unhealthy: 2, Healthy: 10, InitialDelay: &delay,
			StatusCodes: prober.StatusCodes{{First: 200, Last: 299}, {First: 300, Last: 399}}, Source: "config", MailAllowed: true,
		},
	}
	if diff := cmp.Diff(want, c.Targets); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	for module, kind := range map[string]string{
		"api": "http", "patient": "health", "health": "health", "http_2xx": "http", "http_post_2xx": "http",
	} {
		if got, ok := c.KindOf(module); !ok || string(got) != kind {
			t.Errorf("module %s is of kind %q, want %q", module, got, kind)
		}
	}
	if got := c.Modules["api"].Timeout(); got != 3*time.Second {
		t.Errorf("timeout of module api %v", got)
	}
	if diff := cmp.Diff(map[string]string{"web.listen-address": ":10116", "log.level": "debug"}, c.Options); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	if c.Registration.MaxTargets != 7 || c.Registration.MaxTargetsPerOwner != DefaultMaxTargetsPerOwner || !c.Registration.Enabled {
		t.Errorf("registration %+v", c.Registration)
	}
	if len(c.Network.Allow) != 2 || len(c.Network.Deny) != 1 {
		t.Errorf("network %+v", c.Network)
	}
}

// TestEveryFaultAtOnce compares all that is said of a file with many faults.
func TestEveryFaultAtOnce(t *testing.T) {
	_, err := Load("testdata/faults.yml")
	faults, ok := errors.AsType[*strictyaml.Faults](err)
	if !ok {
		t.Fatalf("got %v, want faults", err)
	}
	golden := "testdata/faults.golden"
	got := faults.Error() + "\n"
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("faults (-want +got); UPDATE_GOLDEN=1 rewrites the file:\n%s", diff)
	}
	if strings.Contains(got, "secret") {
		t.Error("a password is shown")
	}
}

func TestBrokenFiles(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"no YAML", "targets: [", "line 1: not valid YAML: did not find expected node content"},
		{"tab", "targets:\n\t- {app: x}", "line 2: not valid YAML: found character that cannot start any token"},
		{"a list", "- app: x", "line 1: must be a mapping of keys to values, not a list"},
		{"key twice", "targets: []\ntargets: []", "line 2: targets: key given twice, first on line 1"},
		{"targets no list", "targets: 5", `line 1: targets: must be a list, not "5"`},
		{"target no mapping", "targets: [5]", `line 1: targets[0]: must be a mapping of keys to values, not "5"`},
		{"app missing", "targets:\n- {url: 'http://x'}", "line 2: targets[0].app: is required"},
		{"url missing", "targets:\n- {app: x}", "line 2: targets[0].url: is required"},
		{"misspelt key", "target: []", `line 1: target: unknown key; did you mean "targets"?`},
		{
			"number as duration", "targets: [{app: x, url: 'http://x', interval: 30}]",
			`line 1: targets[0].interval: "30" is not a valid duration; write a number and a unit, such as 30s, 500ms, 5m or 1h`,
		},
		{"alias bomb", "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]", "line 1: a: unknown key"},
		{"module without prober", "modules: {m: {timeout: 5s}}", `line 1: modules.m.prober: "" is not a kind of probe, must be one of dns, grpc, health, http, icmp, tcp, unix, websocket`},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "c.yml")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Load(path)
			if err == nil || !strings.Contains(err.Error(), "  "+test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestEmptyFilesAreDefaults(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "{}", "targets:\nmodules:\n", "modules: {}"} {
		c, err := parse("c.yml", []byte(text))
		if err != nil || len(c.Targets) != 0 || len(c.Modules) < 3 || !c.Registration.Enabled {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
	}
}

func TestMissingFile(t *testing.T) {
	_, err := Load("testdata/nowhere.yml")
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestMergeKeys(t *testing.T) {
	c, err := parse("c.yml", []byte(`
modules:
  base: &base {prober: health, timeout: 7s}
  other: {<<: *base, timeout: 9s}
  same: *base
`))
	if err != nil {
		t.Fatal(err)
	}
	for module, want := range map[string]time.Duration{"base": 7 * time.Second, "other": 9 * time.Second, "same": 7 * time.Second} {
		if got := c.Modules[module].Timeout(); got != want {
			t.Errorf("%s: timeout %v, want %v", module, got, want)
		}
	}
	if c.Modules["base"].Fingerprint() != c.Modules["same"].Fingerprint() || c.Modules["base"].Fingerprint() == c.Modules["other"].Fingerprint() {
		t.Error("fingerprints do not tell modules apart")
	}
}

func TestTokens(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := parse("c.yml", []byte("registration: {tokens: [{name: nas, token_file: "+file+"}]}"))
	if err != nil {
		t.Fatal(err)
	}
	if name, ok := c.Registration.Bearer("0123456789abcdef"); !ok || name != "nas" {
		t.Errorf("right token: %q, %v", name, ok)
	}
	for _, wrong := range []string{"", "0123456789abcdef\n", "0123456789abcdeF"} {
		if _, ok := c.Registration.Bearer(wrong); ok {
			t.Errorf("token %q accepted", wrong)
		}
	}
}

func TestTrusts(t *testing.T) {
	r := Default().Registration
	for address, want := range map[string]bool{
		"127.0.0.1": true, "::1": true, "192.168.3.4": true, "10.1.1.1": true, "172.16.0.9": true, "fd00::1": true,
		"::ffff:192.168.0.1": true, "fe80::1%eth0": true,
		"8.8.8.8": false, "172.32.0.1": false, "2001:db8::1": false,
	} {
		if got := r.Trusts(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
}

func TestAllowsEmail(t *testing.T) {
	r := Registration{AllowedEmails: []string{"me@example.org", "@example.net"}}
	for address, want := range map[string]bool{
		"me@example.org": true, "x@example.net": true,
		"you@example.org": false, "x@sub.example.net": false, "x@example.network": false, "": false, "x": false,
	} {
		if got := r.AllowsEmail(address); got != want {
			t.Errorf("%q: %v, want %v", address, got, want)
		}
	}
	if (&Registration{}).AllowsEmail("me@example.org") {
		t.Error("an empty list allows an address")
	}
}

func FuzzLoad(f *testing.F) {
	for _, file := range []string{"testdata/good.yml", "testdata/faults.yml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("modules: {a: &a {prober: http, http: &h {headers: {Host: x}}}, b: {<<: *a, http: *h}, c: null}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parse("c.yml", text)
		if (c == nil) == (err == nil) {
			t.Fatalf("config %v, error %v", c, err)
		}
	})
}
