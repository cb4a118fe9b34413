package lan

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
)

// TestZeroconfAnnounced: Avahi sees the exporter, on both families, with the address
// of its interface; its goodbye, and its return.
func TestZeroconfAnnounced(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	avahi := l.b.startAvahi(t, "boxb")
	storage := t.TempDir()
	exporter := l.a.exporter(t, storage, "")
	names := awaitAnnounced(t, avahi, "_health-exporter._tcp", 2)
	awaitAnnounced(t, avahi, "_prometheus-http._tcp", 2)
	list, err := avahi.browse("_health-exporter._tcp")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if s.port != "10115" || s.protocol == "IPv4" && s.address != l.a.ipv4 {
			t.Errorf("%+v", s)
		}
		for _, want := range []string{"txtvers=1", "path=/health", "register=/api/v1/targets", "scheme=http", "id="} {
			if !strings.Contains(s.text, `"`+want) {
				t.Errorf("no %s in %s", want, s.text)
			}
		}
	}
	harness.Await(t, harness.StartLimit, "the exporter sees itself", func() error { return shows(l.a, "health_zeroconf_self_visible 1") })
	if code := exporter.Terminate(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	awaitAnnounced(t, avahi, "_health-exporter._tcp", 0)
	l.a.exporter(t, storage, "")
	if again := awaitAnnounced(t, avahi, "_health-exporter._tcp", 2); !slices.Equal(names, again) {
		t.Errorf("the name was %q and is %q", names, again)
	}
}

// awaitAnnounced waits until Avahi sees so many services, and gives their names.
func awaitAnnounced(t *testing.T, avahi *avahi, service string, want int) (names []string) {
	t.Helper()
	harness.Await(t, harness.StartLimit, fmt.Sprintf("Avahi sees %d of %s", want, service), func() error {
		list, err := avahi.browse(service)
		if err == nil && len(list) != want {
			err = fmt.Errorf("there are %+v", list)
		}
		names = nil
		for _, s := range list {
			names = append(names, s.name)
		}
		slices.Sort(names)
		return err
	})
	return names
}

// shows is nil if the page of metrics of the exporter has all of it.
func shows(h *host, all ...string) error {
	page, err := h.get("http://127.0.0.1:10115/metrics")
	if err != nil {
		return err
	}
	for _, want := range all {
		if !strings.Contains(page, want) {
			return fmt.Errorf("there is no %s among %q", want, linesWith(page, "zeroconf", "target"))
		}
	}
	return nil
}

func linesWith(page string, words ...string) (lines []string) {
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, "#") && slices.ContainsFunc(words, func(w string) bool { return strings.Contains(line, w) }) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// TestZeroconfBrowsed: what Avahi publishes becomes a target and is probed, goes with
// its goodbye, and comes back with Avahi itself.
func TestZeroconfBrowsed(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	avahi := l.b.startAvahi(t, "boxb")
	l.a.exporter(t, t.TempDir(), "discovery: {mdns: {group: found, labels: {room: attic}}}", "--no-zeroconf")
	harness.Start(t, "the NAS", l.b.command(harness.Program(), "--no-zeroconf", "--storage.path=", "--web.listen-address=:8080"))

	publication := avahi.publish(t, "NAS web v1.2", "_health-check._tcp", 8080, "txtvers=1", "path=/health", "id=nas-7")
	avahi.publish(t, "hostile", "_health-check._tcp", 8080, "path=http://169.254.169.254/")
	harness.Await(t, harness.StartLimit, "the NAS is probed", func() error {
		return shows(l.a, `health_target_up{target="NAS web v1.2"} 1`, `url="http://10.201.0.2:8080"`, `source="mdns"`,
			`id="nas-7"`, `room="attic"`, `group="found"`, `health_zeroconf_targets{type="_health-check._tcp"} 1`,
			`health_zeroconf_dropped_total{reason="path"}`)
	})
	publication.Terminate(t)
	awaitGone(t, l.a, "NAS web v1.2", 5*time.Second)

	avahi.publish(t, "NAS web v1.2", "_health-check._tcp", 8080, "path=/health")
	harness.Await(t, harness.StartLimit, "the NAS is back", func() error { return shows(l.a, `health_target_up{target="NAS web v1.2"} 1`) })
	avahi.daemon.Terminate(t)
	awaitGone(t, l.a, "NAS web v1.2", 5*time.Second)
	avahi.startDaemon(t)
	avahi.publish(t, "NAS web v1.2", "_health-check._tcp", 8080, "path=/health")
	harness.Await(t, harness.StartLimit, "the NAS is back with Avahi", func() error { return shows(l.a, `health_target_up{target="NAS web v1.2"} 1`) })
}

// TestZeroconfStopped: an exporter that is stopped thrice, for longer than a window of
// browsing, and once for longer than the records live, does not take what it could not hear
// for what is gone.
func TestZeroconfStopped(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	avahi := l.b.startAvahi(t, "boxb")
	exporter := l.a.exporter(t, t.TempDir(), "discovery: {mdns: {}}", "--no-zeroconf")
	harness.Start(t, "the NAS", l.b.command(harness.Program(), "--no-zeroconf", "--storage.path=", "--web.listen-address=:8080"))
	avahi.publish(t, "NAS", "_health-check._tcp", 8080, "path=/health")
	harness.Await(t, harness.StartLimit, "the NAS is probed", func() error { return shows(l.a, `health_target_up{target="NAS"} 1`) })
	for _, stopped := range []time.Duration{125 * time.Second, 35 * time.Second, 35 * time.Second} {
		if err := exporter.Cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		time.Sleep(stopped)
		if err := exporter.Cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
	}
	if err := shows(l.a, `health_target_up{target="NAS"} 1`, `health_zeroconf_targets{type="_health-check._tcp"} 1`); err != nil {
		t.Error(err)
	}
	page, err := l.a.get("http://127.0.0.1:10115/metrics")
	if err != nil || strings.Contains(page, `health_zeroconf_events_total{event="removed"}`) || strings.Contains(page, `health_target_state_changes_total{target="NAS",to="unknown"} 1`) {
		t.Errorf("%v: %q", err, linesWith(page, "zeroconf"))
	}
	if n := strings.Count(exporter.Log.String(), "what was not heard on the network meanwhile"); n < 3 {
		t.Errorf("the log says %d times that it did not run", n)
	}
}

func awaitGone(t *testing.T, h *host, app string, limit time.Duration) {
	t.Helper()
	harness.Await(t, limit, app+" is gone", func() error {
		if shows(h, `health_target_state{target="`+app+`"`) == nil {
			return errors.New("it is there still")
		}
		return nil
	})
}

// found is what the command discover prints.
type found struct {
	Name, Type, Address, URL string
	Port                     int
}

func discover(h *host, args ...string) (list []found, code int, err error) {
	out, err := h.command(harness.Program(), append([]string{"discover", "--json"}, args...)...).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code, err = exit.ExitCode(), nil
	}
	if err == nil {
		err = json.Unmarshal(out, &list)
	}
	return list, code, err
}

// TestZeroconfTwoExporters: two on one LAN have two names, even if one is a copy of
// the other.
func TestZeroconfTwoExporters(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	if list, code, err := discover(l.b, "--timeout=500ms"); code != 1 || err != nil || len(list) > 0 {
		t.Errorf("nothing is there: %v, exit code %d, %v", list, code, err)
	}
	first, second := t.TempDir(), t.TempDir()
	l.a.exporter(t, first, "")
	harness.Await(t, harness.StartLimit, "the first is announced", func() error { return shows(l.a, `health_zeroconf_up{role="announce"} 1`) })
	id, err := os.ReadFile(filepath.Join(first, "zeroconf.id"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(second, "zeroconf.id"), id, 0o600); err != nil {
		t.Fatal(err)
	}
	l.b.exporter(t, second, "")
	harness.Await(t, harness.StartLimit, "both are found", func() error {
		list, _, err := discover(l.b, "--type=_health-exporter._tcp", "--timeout=1s")
		if err == nil && (len(list) != 2 || list[0].Name+" (2)" != list[1].Name ||
			list[0].URL != "http://10.201.0.1:10115" || list[1].URL != "http://10.201.0.2:10115") {
			err = fmt.Errorf("found are %+v", list)
		}
		return err
	})
}

// TestZeroconfDiscover: what Avahi publishes is found over each family.
func TestZeroconfDiscover(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	avahi := l.b.startAvahi(t, "boxb")
	avahi.publish(t, "by hand v1.0", "_health-exporter._tcp", 9999, "scheme=https")
	check := func(want string) {
		t.Helper()
		harness.Await(t, harness.StartLimit, "it is found at "+want, func() error {
			list, _, err := discover(l.a, "--timeout=1s")
			if err == nil && (len(list) != 1 || list[0].URL != want || list[0].Name != "by hand v1.0") {
				err = fmt.Errorf("found are %+v", list)
			}
			return err
		})
	}
	check("https://10.201.0.2:9999")
	l.run("-n", l.a.namespace, "addr", "del", l.a.ipv4+"/24", "dev", "eth0")
	l.run("-n", l.b.namespace, "addr", "del", l.b.ipv4+"/24", "dev", "eth0")
	check("https://[fd00:201::2]:9999")
}

// TestZeroconfSelfRegister: no address is configured anywhere.
func TestZeroconfSelfRegister(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	program := filepath.Join(t.TempDir(), "selfregister")
	build := exec.Command("go", "build", "-o", program, "./examples/selfregister")
	build.Dir = harness.Root()
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	l.a.exporter(t, t.TempDir(), "")
	registered := harness.Start(t, "selfregister", l.b.command(program, "-name=from afar"))
	harness.Await(t, 2*harness.StartLimit, "it is registered and probed", func() error {
		return shows(l.a, `health_target_up{target="from afar"} 1`, `url="http://10.201.0.2:`, `source="api"`)
	})
	if err := registered.Cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	awaitGone(t, l.a, "from afar", time.Second)
	if code := registered.ExitCode(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestZeroconfFreePort: what is announced is where the exporter really listens.
func TestZeroconfFreePort(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	harness.Start(t, "health_exporter", l.a.command(harness.Program(), "--port=0", "--storage.path="))
	harness.Await(t, harness.StartLimit, "it is found and answers", func() error {
		list, _, err := discover(l.b, "--type=_prometheus-http._tcp", "--timeout=1s")
		if err != nil || len(list) != 1 {
			return fmt.Errorf("found are %+v, %w", list, err)
		}
		_, err = l.b.get(list[0].URL + "/-/ready")
		return err
	})
	harness.Start(t, "health_exporter", l.b.command(harness.Program(), "--web.listen-address="+l.b.ipv4+":7777", "--storage.path="))
	harness.Await(t, harness.StartLimit, "the one that listens on one address is found there", func() error {
		list, _, err := discover(l.a, "--type=_health-exporter._tcp", "--timeout=1s")
		if err == nil && (len(list) != 2 || !slices.ContainsFunc(list, func(f found) bool { return f.URL == "http://10.201.0.2:7777" })) {
			err = fmt.Errorf("found are %+v", list)
		}
		return err
	})
}

// TestZeroconfNoInterface: nothing fails without a network.
func TestZeroconfNoInterface(t *testing.T) {
	t.Parallel()
	l := newLAN(t)
	l.run("-n", l.a.namespace, "link", "set", "eth0", "down")
	p := l.a.exporter(t, t.TempDir(), "discovery: {mdns: {}}")
	harness.Await(t, harness.StartLimit, "the metrics tell", func() error {
		return shows(l.a, `health_zeroconf_up{role="announce"} 0`, `health_zeroconf_up{role="browse"} 0`, "health_zeroconf_interfaces 0")
	})
	if n := strings.Count(p.Log.String(), "not announced on the network"); n != 1 {
		t.Errorf("%d warnings", n)
	}
	l.run("-n", l.a.namespace, "link", "set", "eth0", "up")
	harness.Await(t, harness.StartLimit, "it is announced on the interface that has come", func() error {
		return shows(l.a, `health_zeroconf_up{role="announce"} 1`, `health_zeroconf_up{role="browse"} 1`, "health_zeroconf_interfaces 1")
	})
}
