package discovery

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/internal/config"
	"github.com/health-exporter/health_exporter/internal/strictyaml"
)

// object is what of the manifest matters here.
type object struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Rules    []struct{ Resources, Verbs []string }
	RoleRef  struct{ Kind, Name string } `yaml:"roleRef"`
	Subjects []struct{ Kind, Name string }
}

func objects(t *testing.T) map[string]object {
	t.Helper()
	f, err := os.Open("discovery.yml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found := map[string]object{}
	for d := yaml.NewDecoder(f); ; {
		var o object
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		found[o.Kind] = o
	}
}

// TestConfigurationLoads: all that this program may lack is the mechanism, which is
// built in on demand.
func TestConfigurationLoads(t *testing.T) {
	file := filepath.Join(t.TempDir(), "health_exporter.yml")
	if err := os.WriteFile(file, []byte(objects(t)["ConfigMap"].Data["health_exporter.yml"]), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(file)
	if faults, ok := errors.AsType[*strictyaml.Faults](err); ok {
		for _, fault := range faults.List {
			if !strings.Contains(fault.Detail, "go build -tags kubernetes") {
				t.Error(fault)
			}
		}
		return
	}
	if err != nil || len(cfg.Discovery.Jobs) != 2 {
		t.Fatal(cfg, err)
	}
}

// TestMayReadWhatItLooksFor holds the rights against the roles in the configuration.
func TestMayReadWhatItLooksFor(t *testing.T) {
	found := objects(t)
	if o := found["ClusterRoleBinding"]; o.RoleRef.Name != found["ClusterRole"].Metadata.Name || o.Subjects[0].Name != found["ServiceAccount"].Metadata.Name {
		t.Errorf("the binding is %+v", o)
	}
	rule := found["ClusterRole"].Rules[0]
	text := found["ConfigMap"].Data["health_exporter.yml"]
	for _, resource := range []string{"pods", "services"} {
		if !strings.Contains(text, "{role: "+strings.TrimSuffix(resource, "s")+"}") || !slices.Contains(rule.Resources, resource) {
			t.Errorf("%s are not looked for, or may not be read", resource)
		}
	}
	if !slices.Contains(rule.Verbs, "list") || !slices.Contains(rule.Verbs, "watch") {
		t.Errorf("it may only %v", rule.Verbs)
	}
}
