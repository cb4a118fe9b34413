package lan

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/internal/testneed"
)

// lan is two hosts on one cable: network namespaces of their own, without a way out.
type lan struct {
	t    *testing.T
	ip   string // the program
	a, b *host
}

// host is one of them.
type host struct {
	lan        *lan
	namespace  string
	ipv4, ipv6 string
	avahi      *avahi // nil until it is started
}

func newLAN(t *testing.T) *lan {
	t.Helper()
	ip := testneed.Program(t, "iproute2", "ip")
	testneed.Namespaces(t)
	id := fmt.Sprintf("%06x", rand.IntN(1<<24))
	l := &lan{t: t, ip: ip}
	l.a = &host{lan: l, namespace: "lan-a-" + id, ipv4: "10.201.0.1", ipv6: "fd00:201::1"}
	l.b = &host{lan: l, namespace: "lan-b-" + id, ipv4: "10.201.0.2", ipv6: "fd00:201::2"}
	t.Cleanup(func() {
		for _, h := range []*host{l.a, l.b} {
			_ = exec.Command(ip, "netns", "del", h.namespace).Run() // what was not made is not there
		}
	})
	l.run("netns", "add", l.a.namespace)
	l.run("netns", "add", l.b.namespace)
	l.run("link", "add", "eth0", "netns", l.a.namespace, "type", "veth", "peer", "name", "eth0", "netns", l.b.namespace)
	for _, h := range []*host{l.a, l.b} {
		l.run("-n", h.namespace, "addr", "add", h.ipv4+"/24", "dev", "eth0")
		l.run("-n", h.namespace, "addr", "add", h.ipv6+"/64", "dev", "eth0", "nodad")
		l.run("-n", h.namespace, "link", "set", "lo", "up")
		l.run("-n", h.namespace, "link", "set", "eth0", "up")
	}
	for _, h := range []*host{l.a, l.b} { // link-local addresses are tentative for a while
		harness.Await(t, harness.StartLimit, h.namespace+" has its addresses", func() error {
			out, err := exec.Command(ip, "-n", h.namespace, "-6", "addr", "show", "dev", "eth0", "tentative").Output()
			if err == nil && strings.Contains(string(out), "inet6") {
				err = fmt.Errorf("still tentative")
			}
			return err
		})
	}
	return l
}

func (l *lan) run(args ...string) {
	l.t.Helper()
	if out, err := exec.Command(l.ip, args...).CombinedOutput(); err != nil {
		l.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// command is one that runs on the host, without what our own environment says of
// exporters.
func (h *host) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(h.lan.ip, append([]string{"netns", "exec", h.namespace, program}, args...)...)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "HEALTH_EXPORTER_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	return cmd
}

// get asks for a page from the host.
func (h *host) get(url string) (string, error) {
	out, err := h.command(testneed.Program(h.lan.t, "curl", "curl"), "-sSfg", "--max-time", "5", url).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", url, err, out)
	}
	return string(out), nil
}

// exporter starts the program on the host, on port 10115.
func (h *host) exporter(t *testing.T, storage, config string, args ...string) *harness.Process {
	t.Helper()
	file := filepath.Join(t.TempDir(), "health_exporter.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	args = append([]string{"--config.file=" + file, "--storage.path=" + storage}, args...)
	p := harness.Start(t, "health_exporter on "+h.namespace, h.command(harness.Program(), args...))
	harness.Await(t, harness.StartLimit, "the exporter is ready", func() error {
		_, err := h.get("http://127.0.0.1:10115/-/ready")
		return err
	})
	return p
}

// avahi is a real avahi-daemon with a system bus of its own.
type avahi struct {
	host   *host
	bus    *harness.Process
	daemon *harness.Process
	conf   string
}

// startAvahi starts both on the host, which is named so.
func (h *host) startAvahi(t *testing.T, name string) *avahi {
	t.Helper()
	for program, from := range map[string]string{
		"avahi-daemon": "avahi-daemon", "avahi-browse": "avahi-utils", "avahi-publish": "avahi-utils", "dbus-daemon": "dbus",
		"unshare": "util-linux", "nsenter": "util-linux",
	} {
		testneed.Program(t, from, program, "/usr/sbin/"+program)
	}
	a := &avahi{host: h, conf: filepath.Join(t.TempDir(), "avahi-daemon.conf")}
	conf := "[server]\nhost-name=" + name + "\nenable-dbus=yes\n[wide-area]\nenable-wide-area=no\n"
	if err := os.WriteFile(a.conf, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	a.bus = harness.Start(t, "dbus-daemon", h.command("unshare", "--mount", "--uts", "sh", "-c", `set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir -p /run/dbus /run/avahi-daemon
hostname `+name+`
exec dbus-daemon --system --nofork --nopidfile`))
	harness.Await(t, harness.StartLimit, "the bus is there", func() error {
		return a.command("test", "-S", "/run/dbus/system_bus_socket").Run()
	})
	a.startDaemon(t)
	h.avahi = a
	return a
}

func (a *avahi) startDaemon(t *testing.T) {
	t.Helper()
	a.daemon = harness.Start(t, "avahi-daemon", a.command(testneed.Program(t, "avahi-daemon", "avahi-daemon", "/usr/sbin/avahi-daemon"),
		"--no-drop-root", "--no-chroot", "--no-rlimits", "--file="+a.conf))
	harness.Await(t, harness.StartLimit, "avahi-daemon has started", func() error {
		if out, err := a.command("avahi-browse", "--all", "--terminate", "--parsable").CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
}

// command is one that sees Avahi's bus.
func (a *avahi) command(program string, args ...string) *exec.Cmd {
	pid := strconv.Itoa(a.bus.Cmd.Process.Pid)
	return exec.Command("nsenter", append([]string{"--target=" + pid, "--mount", "--net", "--uts", "--wd=/", program}, args...)...)
}

// publish has Avahi announce a service until the process ends.
func (a *avahi) publish(t *testing.T, name, service string, port int, text ...string) *harness.Process {
	t.Helper()
	return harness.Start(t, "avahi-publish", a.command("avahi-publish", append([]string{"-s", name, service, strconv.Itoa(port)}, text...)...))
}

// resolved is a service as Avahi sees it.
type resolved struct{ protocol, name, address, port, text string }

// browse lists what Avahi knows at the moment.
func (a *avahi) browse(service string) (list []resolved, err error) {
	out, err := a.command("avahi-browse", "--resolve", "--terminate", "--parsable", service).Output()
	for line := range strings.Lines(string(out)) {
		f := strings.SplitN(strings.TrimSpace(line), ";", 10)
		if len(f) == 10 && f[0] == "=" {
			list = append(list, resolved{f[2], f[3], f[7], f[8], f[9]})
		}
	}
	return list, err
}
