package kubernetes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/internal/testport"
)

// freePort is a port of loopback that nothing listens on.
func freePort(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(testport.Reserve(t))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// running is a container of a manifest as a process on this host.
type running struct {
	container
	cmd    *exec.Cmd
	log    bytes.Buffer
	url    string
	period time.Duration // in which it must end
}

// run builds a package and runs it with the arguments of the container, which replace
// adapts to this host.
func run(t *testing.T, w *workload, folder, port string, replace ...string) *running {
	t.Helper()
	c := w.Template.Spec.Containers[0]
	program := filepath.Join(t.TempDir(), c.Name)
	build := exec.Command("go", "build", "-o", program, folder)
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r := &running{container: c, url: "http://127.0.0.1:" + port, period: 30 * time.Second}
	if s := w.Template.Spec.TerminationGracePeriodSeconds; s > 0 {
		r.period = time.Duration(s) * time.Second
	}
	args := strings.Split(strings.NewReplacer(replace...).Replace(strings.Join(c.Args, "\n")), "\n")
	r.cmd = exec.Command(program, args...)
	r.cmd.Dir, r.cmd.Stdout, r.cmd.Stderr = t.TempDir(), &r.log, &r.log
	// A Service sets such variables in each pod of its namespace.
	r.cmd.Env = append(os.Environ(), "HEALTH_EXPORTER_PORT=tcp://10.0.0.1:10115", "HEALTH_EXPORTER_SERVICE_HOST=10.0.0.1")
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.end(t) })
	return r
}

// end does what Kubernetes does.
func (r *running) end(t *testing.T) {
	t.Helper()
	defer time.AfterFunc(r.period, func() { _ = r.cmd.Process.Kill() }).Stop()
	_ = r.cmd.Process.Signal(syscall.SIGTERM) // if it has ended, Wait says why
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("%s, after SIGTERM: %v\n%s", r.Name, err, &r.log)
	}
}

func status(url string) int {
	resp, err := http.Get(url)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after 20 s it is still not so that %s", what)
		}
	}
}

// probed waits until all probes of the container succeed.
func (r *running) probed(t *testing.T) {
	t.Helper()
	for _, p := range r.probes() {
		path := p.HTTPGet.Path
		await(t, fmt.Sprintf("%s answers %s with 200", r.Name, path), func() bool { return status(r.url+path) == http.StatusOK })
	}
}

// TestContainersAnswerTheirProbes runs what the manifests run, and has the exporter of
// one poll the service of the other.
func TestContainersAnswerTheirProbes(t *testing.T) {
	m := read(t)
	shop, exporter := m.workloads["shop"], m.workloads["health-exporter"]
	if shop == nil || exporter == nil {
		t.Fatalf("there are %v", m.workloads)
	}
	shopPort := freePort(t)
	given := fmt.Sprintf("-listen=:%d", shop.port("http"))
	if args := shop.Template.Spec.Containers[0].Args; len(args) != 1 || args[0] != given {
		t.Fatalf("arguments %q: it does not listen on its port, %s", args, given)
	}
	service := run(t, shop, "./examples/embedded", shopPort, given, "-listen=127.0.0.1:"+shopPort)
	service.probed(t)

	dir := t.TempDir()
	configuration := strings.ReplaceAll(m.configMaps["health-exporter"]["health_exporter.yml"], "http://shop:8080", service.url)
	if err := os.WriteFile(filepath.Join(dir, "health_exporter.yml"), []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	first := &exporter.Template.Spec.Containers[0]
	var mounted []string
	for _, mount := range first.VolumeMounts {
		at := t.TempDir()
		if mount.Name == "config" {
			at = dir
		}
		mounted = append(mounted, mount.MountPath, at)
	}
	port := freePort(t)
	// The port of the manifest is the program's default, so there is no argument for it.
	first.Args = append(first.Args, "--web.listen-address=127.0.0.1:"+port)
	monitor := run(t, exporter, ".", port, mounted...)
	monitor.probed(t)
	await(t, "the exporter has found the shop well", func() bool {
		resp, err := http.Get(monitor.url + "/api/v1/targets/shop")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		var target struct {
			Up     bool
			Source string
		}
		return json.NewDecoder(resp.Body).Decode(&target) == nil && target.Up && target.Source == "config"
	})
	help, err := exec.Command(monitor.cmd.Path, "--help").CombinedOutput()
	if want := fmt.Sprintf("--web.listen-address=:%d ", exporter.port("http")); err != nil || !strings.Contains(string(help), want) {
		t.Errorf("the port of the manifest is not the program's default: %v", err)
	}
}
