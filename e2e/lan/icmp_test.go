package lan

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/internal/testneed"
)

// link is a cable between two network namespaces: the program is on the one end,
// and the kernel answers at the other.
type link struct {
	t         *testing.T
	ip        string // the program
	near, far string // the namespaces
	config    string
}

// The addresses at the far end.
const farIPv4, farIPv6 = "10.200.0.2", "fd00:200::2"

func newLink(t *testing.T, modules string) *link {
	t.Helper()
	testneed.Namespaces(t)
	id := fmt.Sprintf("%06x", rand.IntN(1<<24))
	l := &link{t: t, ip: testneed.Program(t, "iproute2", "ip"), near: "near-" + id, far: "far-" + id}
	l.config = filepath.Join(t.TempDir(), "health_exporter.yml")
	if err := os.WriteFile(l.config, []byte(modules), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, namespace := range []string{l.near, l.far} {
			_ = exec.Command(l.ip, "netns", "del", namespace).Run() // what was not made is not there
		}
	})
	for _, command := range []string{
		"netns add " + l.near,
		"netns add " + l.far,
		"link add eth0 netns " + l.near + " type veth peer name eth0 netns " + l.far,
		"-n " + l.near + " addr add 10.200.0.1/24 dev eth0",
		"-n " + l.far + " addr add " + farIPv4 + "/24 dev eth0",
		"-n " + l.near + " addr add fd00:200::1/64 dev eth0 nodad",
		"-n " + l.far + " addr add " + farIPv6 + "/64 dev eth0 nodad",
		"-n " + l.near + " link set eth0 up",
		"-n " + l.far + " link set eth0 up",
	} {
		if out, err := exec.Command(l.ip, strings.Fields(command)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", command, err, out)
		}
	}
	return l
}

// set changes a setting of the kernel in a namespace.
func (l *link) set(namespace, name, value string) {
	l.t.Helper()
	script := fmt.Sprintf("echo %s > /proc/sys/net/%s", value, name)
	if out, err := exec.Command(l.ip, "netns", "exec", namespace, "sh", "-c", script).CombinedOutput(); err != nil {
		l.t.Fatalf("%s: %v: %s", script, err, out)
	}
}

// probed is what the program prints about a probe.
type probed struct {
	Outcome, Reason, Error string
	Samples                []struct {
		Name   string
		Labels map[string]string
		Value  float64
	}
}

// value is that of a metric without labels; -1 if it is absent.
func (p *probed) value(name string) float64 {
	for _, s := range p.Samples {
		if s.Name == name && len(s.Labels) == 0 {
			return s.Value
		}
	}
	return -1
}

// probe runs the program at the near end, under another one if that is given.
func (l *link) probe(module, target string, under ...string) (p probed) {
	l.t.Helper()
	args := append([]string{"netns", "exec", l.near}, under...)
	args = append(args, harness.Program(), "probe", "--json", "--config.file="+l.config, "--module="+module, target)
	out, err := exec.Command(l.ip, args...).Output() // the exit code repeats the outcome
	if decoding := json.Unmarshal(out, &p); decoding != nil {
		l.t.Fatalf("%s %s: %v, %v in %q", module, target, err, decoding, out)
	}
	return p
}

const icmpModules = `modules:
  one: {prober: icmp, timeout: 1s}
  large: {prober: icmp, timeout: 1s, icmp: {payload_size: 3000}}
  whole: {prober: icmp, timeout: 1s, icmp: {payload_size: 3000, dont_fragment: true}}
  half: {prober: icmp, timeout: 1s, icmp: {count: 12, interval: 10ms, max_loss: 0.5}}
  third: {prober: icmp, timeout: 1s, icmp: {count: 12, interval: 10ms, max_loss: 0.33}}
`

// TestICMPOverLink pings a neighbour, with each right to do so and with packets
// that do not fit the cable.
func TestICMPOverLink(t *testing.T) {
	t.Parallel()
	l := newLink(t, icmpModules)
	harness.Await(t, harness.StartLimit, "the neighbours have found each other", func() error {
		if p := l.probe("one", farIPv6); p.Outcome != "pass" {
			return errors.New(p.Error)
		}
		return nil
	})
	for _, target := range []string{farIPv4, farIPv6} {
		if p := l.probe("one", target); p.Outcome != "pass" || p.value("probe_icmp_reply_hop_limit") != 64 {
			t.Errorf("%s: %+v", target, p)
		}
		if p := l.probe("large", target); p.Outcome != "pass" {
			t.Errorf("%s, in fragments: %+v", target, p)
		}
	}
	if p := l.probe("whole", farIPv4); p.Reason != "connect" || p.Error != "message too long" {
		t.Errorf("too large: %+v", p)
	}
	if p := l.probe("one", "10.200.0.99"); p.Outcome != "fail" || p.Reason != "timeout" && p.Reason != "connect" {
		t.Errorf("nobody: %+v", p)
	}
	unprivileged := []string{testneed.Program(t, "util-linux", "setpriv"), "--bounding-set=-net_raw", "--inh-caps=-net_raw"}
	for _, target := range []string{farIPv4, farIPv6} {
		p := l.probe("one", target, unprivileged...)
		if p.Reason != "internal" || !strings.Contains(p.Error, "ping_group_range") {
			t.Errorf("%s, without rights: %+v", target, p)
		}
	}
	l.set(l.near, "ipv4/ping_group_range", `"0 0"`)
	for _, target := range []string{farIPv4, farIPv6} {
		if p := l.probe("one", target, unprivileged...); p.Outcome != "pass" {
			t.Errorf("%s, unprivileged: %+v", target, p)
		}
	}
}

// TestICMPLoss: the far end answers six packets at once and then one in a second.
func TestICMPLoss(t *testing.T) {
	t.Parallel()
	for module, want := range map[string]string{"half": "pass", "third": "fail"} {
		t.Run(module, func(t *testing.T) {
			t.Parallel()
			l := newLink(t, icmpModules)
			const echoReplies = "1" // a bit for each type of message
			l.set(l.far, "ipv4/icmp_ratemask", echoReplies)
			l.set(l.far, "ipv4/icmp_ratelimit", "1000")
			p := l.probe(module, farIPv4)
			sent, received, lost := p.value("probe_icmp_packets_sent"), p.value("probe_icmp_packets_received"), p.value("probe_icmp_loss_ratio")
			if p.Outcome != want || sent != 12 || received < 6 || received > 7 || lost != (sent-received)/sent {
				t.Errorf("%s: %s; %g of %g, loss %g", p.Outcome, p.Error, received, sent, lost)
			}
			if want == "fail" && (p.Reason != "timeout" || !strings.Contains(p.Error, "of 12 packets were lost, at most 33 % may be")) {
				t.Errorf("%s: %s", p.Reason, p.Error)
			}
		})
	}
}
