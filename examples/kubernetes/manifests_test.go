package kubernetes

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/config"
)

// manifests are all objects of this folder by kind and name.
type manifests struct {
	workloads  map[string]*workload
	services   map[string]*service
	configMaps map[string]map[string]string
}

func read(t *testing.T) *manifests {
	t.Helper()
	files, err := filepath.Glob("*.yml")
	if err != nil || len(files) != 2 {
		t.Fatalf("manifests %q: %v", files, err)
	}
	m := &manifests{map[string]*workload{}, map[string]*service{}, map[string]map[string]string{}}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		d := yaml.NewDecoder(f)
		d.KnownFields(true)
		for {
			var o object
			if err := d.Decode(&o); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if err := m.add(&o); err != nil {
				t.Fatalf("%s: %s %q: %v", file, o.Kind, o.Metadata.Name, err)
			}
		}
	}
	return m
}

func (m *manifests) add(o *object) error {
	name := o.Metadata.Name
	if name == "" {
		return errors.New("it has no name")
	}
	switch o.APIVersion + " " + o.Kind {
	case "v1 ConfigMap":
		m.configMaps[name] = o.Data
		return nil
	case "v1 Service":
		m.services[name] = &service{}
		return strictly(&o.Spec, m.services[name])
	case "apps/v1 Deployment", "apps/v1 StatefulSet":
		m.workloads[name] = &workload{}
		return strictly(&o.Spec, m.workloads[name])
	}
	return fmt.Errorf("%s is none that this test knows", o.APIVersion)
}

// strictly decodes what a Decoder with KnownFields has left as a node.
func strictly(n *yaml.Node, into any) error {
	text, err := yaml.Marshal(n)
	if err != nil {
		return err
	}
	d := yaml.NewDecoder(strings.NewReader(string(text)))
	d.KnownFields(true)
	return d.Decode(into)
}

// port is the number of a container's port by its name, or 0.
func (w *workload) port(name string) int {
	for _, c := range w.Template.Spec.Containers {
		for _, p := range c.Ports {
			if p.Name == name {
				return p.ContainerPort
			}
		}
	}
	return 0
}

// selects reports whether the labels that a selector wants are there.
func selects(selector, labels map[string]string) bool {
	for name, want := range selector {
		if labels[name] != want {
			return false
		}
	}
	return len(selector) > 0
}

func TestWorkloadsFitTogether(t *testing.T) {
	m := read(t)
	if len(m.workloads) != 2 {
		t.Fatalf("%d workloads", len(m.workloads))
	}
	for name, w := range m.workloads {
		if labels := w.Template.Metadata.Labels; !selects(w.Selector.MatchLabels, labels) {
			t.Errorf("%s: its selector does not match its pods' labels %v", name, labels)
		}
		if w.ServiceName != "" && m.services[w.ServiceName] == nil {
			t.Errorf("%s: there is no service %q", name, w.ServiceName)
		}
		if port := w.Template.Metadata.Annotations["prometheus.io/port"]; port != fmt.Sprint(w.port("http")) {
			t.Errorf("%s: Prometheus is sent to port %q, it listens on %d", name, port, w.port("http"))
		}
		for _, c := range w.Template.Spec.Containers {
			if c.LivenessProbe == nil || c.ReadinessProbe == nil {
				t.Errorf("%s: liveness %v, readiness %v", name, c.LivenessProbe, c.ReadinessProbe)
			}
			for _, p := range c.probes() {
				if w.port(p.HTTPGet.Port) == 0 {
					t.Errorf("%s: the probe of %s asks for the unknown port %q", name, p.HTTPGet.Path, p.HTTPGet.Port)
				}
			}
			for _, arg := range c.Args {
				if _, path, ok := strings.Cut(arg, "=/"); ok && !c.mounts("/"+path) {
					t.Errorf("%s: no volume is mounted for %s", name, arg)
				}
			}
			for _, mount := range c.VolumeMounts {
				if !slices.Contains(w.volumes(m), mount.Name) {
					t.Errorf("%s: there is no volume %q", name, mount.Name)
				}
			}
		}
	}
}

// mounts reports whether a path is on a volume.
func (c *container) mounts(path string) bool {
	for _, mount := range c.VolumeMounts {
		if path == mount.MountPath || strings.HasPrefix(path, mount.MountPath+"/") {
			return true
		}
	}
	return false
}

func (c *container) probes() []*probe {
	return slices.DeleteFunc([]*probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe}, func(p *probe) bool { return p == nil })
}

// volumes are the names of the volumes that will be there.
func (w *workload) volumes(m *manifests) (names []string) {
	for _, v := range w.Template.Spec.Volumes {
		if m.configMaps[v.ConfigMap.Name] != nil {
			names = append(names, v.Name)
		}
	}
	for _, v := range w.VolumeClaimTemplates {
		names = append(names, v.Metadata.Name)
	}
	return names
}

// serves reports whether a service has pods that listen on the port it leads to.
func (m *manifests) serves(name string, port int) bool {
	s := m.services[name]
	if s == nil {
		return false
	}
	for _, w := range m.workloads {
		for _, p := range s.Ports {
			if p.Port == port && selects(s.Selector, w.Template.Metadata.Labels) && w.port(p.TargetPort) != 0 {
				return true
			}
		}
	}
	return false
}

func TestServicesLeadSomewhere(t *testing.T) {
	m := read(t)
	if len(m.services) != 2 {
		t.Fatalf("%d services", len(m.services))
	}
	for name, s := range m.services {
		for _, p := range s.Ports {
			if !m.serves(name, p.Port) {
				t.Errorf("service %s, port %d: no pod listens there", name, p.Port)
			}
		}
	}
}

// TestConfigurationLoads loads the exporter's configuration, whose targets must be
// services of the other manifest.
func TestConfigurationLoads(t *testing.T) {
	m := read(t)
	file := filepath.Join(t.TempDir(), "health_exporter.yml")
	if err := os.WriteFile(file, []byte(m.configMaps["health-exporter"]["health_exporter.yml"]), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Targets) == 0 || len(cfg.Warnings(config.Known{})) > 0 {
		t.Errorf("%d targets, warnings %v", len(cfg.Targets), cfg.Warnings(config.Known{}))
	}
	for _, target := range cfg.Targets {
		u, err := url.Parse(target.URL)
		if err != nil {
			t.Fatal(err)
		}
		port := 0
		if _, err := fmt.Sscan(u.Port(), &port); err != nil || !m.serves(u.Hostname(), port) {
			t.Errorf("target %s: there is no such service (%v)", target.URL, err)
		}
	}
}
