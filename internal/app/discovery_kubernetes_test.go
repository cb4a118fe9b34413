//go:build kubernetes

package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gopkg.in/yaml.v3"
)

// cluster is an API server that knows pods and services.
type cluster struct {
	*httptest.Server
	denied atomic.Bool

	mu       sync.Mutex // protects all following fields
	version  int
	objects  map[string][]map[string]any // by resource
	watchers map[string][]chan string
	closed   chan struct{}
}

func newCluster(t *testing.T) *cluster {
	c := &cluster{objects: map[string][]map[string]any{}, watchers: map[string][]chan string{}, closed: make(chan struct{})}
	c.Server = httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(func() {
		close(c.closed)
		c.Close()
	})
	return c
}

func (c *cluster) serve(w http.ResponseWriter, r *http.Request) {
	resource := strings.TrimPrefix(r.URL.Path, "/api/v1/")
	kind, known := map[string]string{"pods": "PodList", "services": "ServiceList"}[resource]
	w.Header().Set("Content-Type", "application/json")
	switch {
	case c.denied.Load():
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403}`)
	case !known:
		http.Error(w, "{}", http.StatusNotFound)
	case r.URL.Query().Get("sendInitialEvents") != "": // of newer servers only
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Invalid","code":422}`)
	case r.URL.Query().Get("watch") != "":
		c.watch(w, r, resource)
	default:
		c.mu.Lock()
		defer c.mu.Unlock()
		list := c.objects[resource]
		if list == nil {
			list = []map[string]any{}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"kind": kind, "apiVersion": "v1", "items": list, "metadata": map[string]any{"resourceVersion": fmt.Sprint(c.version)},
		})
	}
}

func (c *cluster) watch(w http.ResponseWriter, r *http.Request, resource string) {
	events := make(chan string, 10)
	c.mu.Lock()
	c.watchers[resource] = append(c.watchers[resource], events)
	c.mu.Unlock()
	w.(http.Flusher).Flush()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-c.closed:
			return
		case event := <-events:
			fmt.Fprintln(w, event)
			w.(http.Flusher).Flush()
		}
	}
}

// put adds an object and tells those who watch; remove takes it away.
func (c *cluster) put(resource, name string, annotations map[string]string, spec, status map[string]any) map[string]any {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version++
	o := map[string]any{
		"apiVersion": "v1", "kind": map[string]string{"pods": "Pod", "services": "Service"}[resource], "spec": spec, "status": status,
		"metadata": map[string]any{
			"name": name, "namespace": "shop", "uid": resource + name, "annotations": annotations, "resourceVersion": fmt.Sprint(c.version),
		},
	}
	c.objects[resource] = append(c.objects[resource], o)
	c.tell(resource, "ADDED", o)
	return o
}

func (c *cluster) remove(resource string, o map[string]any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version++
	o["metadata"].(map[string]any)["resourceVersion"] = fmt.Sprint(c.version)
	c.tell(resource, "DELETED", o)
}

func (c *cluster) tell(resource, what string, o map[string]any) {
	text, _ := json.Marshal(map[string]any{"type": what, "object": o})
	for _, watcher := range c.watchers[resource] {
		watcher <- string(text)
	}
}

func (c *cluster) pod(name, ip, phase string, annotations map[string]string) map[string]any {
	return c.put("pods", name, annotations, map[string]any{"containers": []any{
		map[string]any{"name": "main", "image": "x", "ports": []any{map[string]any{"name": "http", "containerPort": 8080, "protocol": "TCP"}}},
	}}, map[string]any{"podIP": ip, "phase": phase})
}

// exampleOfKubernetes is the configuration that is shipped, with another API server.
func exampleOfKubernetes(t *testing.T, url string) string {
	t.Helper()
	text, err := os.ReadFile("../../examples/kubernetes/discovery/discovery.yml")
	if err != nil {
		t.Fatal(err)
	}
	var configMap struct{ Data map[string]string }
	if err := yaml.Unmarshal(text, &configMap); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "c.yml")
	config := configMap.Data["health_exporter.yml"]
	for _, role := range []string{"pod", "service"} {
		config = strings.Replace(config, "{role: "+role+"}", fmt.Sprintf("{role: %s, api_server: %q}", role, url), 1)
	}
	write(t, file, config)
	return file
}

func TestKubernetesDiscovery(t *testing.T) {
	c := newCluster(t)
	c.put("services", "web", map[string]string{"prometheus.io/probe": "true", "prometheus.io/probe-path": "/ready"}, map[string]any{
		"clusterIP": "10.1.0.1", "ports": []any{map[string]any{"name": "http", "port": 80, "protocol": "TCP"}},
	}, nil)
	c.put("services", "silent", nil, map[string]any{"ports": []any{map[string]any{"port": 80}}}, nil)
	c.pod("one", "10.0.0.1", "Running", map[string]string{"prometheus.io/probe": "true", "prometheus.io/probe-module": "tcp_connect"})
	c.pod("six", "fd00::1", "Running", map[string]string{"prometheus.io/probe": "true", "prometheus.io/probe-port": "9090", "prometheus.io/probe-interval": "1m"})
	c.pod("done", "10.0.0.2", "Succeeded", map[string]string{"prometheus.io/probe": "true"})
	c.pod("silent", "10.0.0.3", "Running", nil)

	r := start(t, Options{ConfigFile: exampleOfKubernetes(t, c.URL)})
	r.becomes("shop one shop six shop web")
	got := map[string]string{}
	for _, st := range r.polling.scheduler.Snapshot() {
		g := st.Target
		got[g.App] = fmt.Sprintf("%s %s %s %s %s", g.Module, g.Place(), g.Interval, g.Group, g.Labels["namespace"])
	}
	for app, want := range map[string]string{
		"shop one": "tcp_connect 10.0.0.1:8080 30s pods shop",
		"shop six": "http_2xx http://[fd00::1]:9090 1m0s pods shop",
		"shop web": "http_2xx http://web.shop.svc:80/ready 30s services shop",
	} {
		if got[app] != want {
			t.Errorf("%s is %s, want %s", app, got[app], want)
		}
	}

	two := c.pod("two", "10.0.0.4", "Running", map[string]string{"prometheus.io/probe": "true"})
	r.becomes("shop one shop six shop two shop web")
	c.remove("pods", two)
	r.becomes("shop one shop six shop web")
	r.shows(`health_discovery_targets{config="pods",mechanism="kubernetes_sd"} 2`)
}

func TestKubernetesThatIsNotThere(t *testing.T) {
	c := newCluster(t)
	c.denied.Store(true)
	r := start(t, Options{ConfigFile: exampleOfKubernetes(t, c.URL)})
	r.eventually("told of the failure", func() bool {
		_, page := r.get("/metrics")
		return sample(page, `health_discovery_failures_total{config="pods",mechanism="kubernetes_sd"} `) > 0
	})
	c.pod("one", "10.0.0.1", "Running", map[string]string{"prometheus.io/probe": "true"})
	c.denied.Store(false)
	r.becomes("shop one")
}
