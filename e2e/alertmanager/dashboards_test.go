package alertmanager

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/internal/testneed"
	"github.com/health-exporter/health_exporter/internal/testport"
)

// emptyPanels are the queries that have no data in the test, with the reason. They
// have to run all the same.
var emptyPanels = map[string]string{
	"exporter.json: Last backup A": "the first backup is made after an hour",
}

// TestDashboards has Prometheus, with the shipped rules, answer each query of each
// shipped dashboard about an exporter that has something of everything to show.
func TestDashboards(t *testing.T) {
	s := startScene(t)
	everything := map[string]string{
		"job": ".*", "instance": ".*", "group": ".*", "module": ".*", "state": ".*", "target": ".*",
	}
	one := map[string]string{"job": "health_exporter", "instance": s.exporter.Address, "target": "shop"}
	for file, values := range map[string]map[string]string{
		"overview.json": everything, "exporter.json": everything, "target.json": one,
	} {
		t.Run(file, func(t *testing.T) {
			d := s.dashboard(t, file)
			for _, q := range d.queries(file) {
				s.answers(t, q, values)
			}
			for _, link := range d.pages() {
				if err := harness.GetOK(strings.NewReplacer(
					"${__data.fields.instance}", s.exporter.Address, "${__field.labels.instance}", s.exporter.Address, "${instance}", s.exporter.Address,
					"${__data.fields.target:percentencode}", "not%20known", "${__field.labels.target:percentencode}", "not%20known", "${target:percentencode}", "shop",
				).Replace(link)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	t.Run("what they say", func(t *testing.T) { s.says(t, everything) })
}

// says compares what the overview shows with what was done.
func (s *scene) says(t *testing.T, everything map[string]string) {
	d := s.dashboard(t, "overview.json")
	queries := map[string]query{}
	for _, q := range d.queries("overview.json") {
		queries[strings.TrimPrefix(q.name, "overview.json: ")] = q
	}
	shows := func(name string, values map[string]string, label, want string) {
		t.Helper()
		harness.Await(t, harness.StartLimit, name+" shows "+want, func() error {
			results, err := s.ask(queries[name], values)
			if err != nil {
				return err
			}
			var got []string
			for _, r := range results {
				shown := r.Metric["target"] + " " + r.Metric[label]
				if label == "" {
					shown = fmt.Sprint(r.Value[1])
				}
				got = append(got, shown)
			}
			slices.Sort(got)
			if text := strings.Join(got, ", "); text != want {
				return fmt.Errorf("it shows %s", text)
			}
			return nil
		})
	}
	shows("Targets A", everything, "", "6")
	shows("Healthy A", everything, "", "2")
	shows("Degraded A", everything, "", "1")
	shows("Unhealthy A", everything, "", "1")
	shows("Unknown A", everything, "", "1")
	shows("Paused A", everything, "", "1")
	shows("Not healthy A", everything, "state", "down unhealthy, not known unknown, warns degraded")
	shows("Not healthy A", everything, "reason", "down status, not known , warns ")
	shows("Certificates A", everything, "group", "shop sales")

	only := func(name, value string) map[string]string {
		chosen := maps.Clone(everything)
		chosen[name] = value
		return chosen
	}
	shows("Targets A", only("group", "sales"), "", "1")
	shows("Targets A", only("module", "health"), "", "5")
	shows("Healthy A", only("target", "shop|down"), "", "1")
	shows("Not healthy A", only("state", "unhealthy"), "state", "down unhealthy")
	shows("States A", only("target", "warns"), "target", "warns warns")
}

// scene is a stack with targets in all states.
type scene struct{ *stack }

// startScene runs the exporter and Prometheus and has happen what dashboards show: a
// target for each state, a paused one, one with a certificate that goes down and
// comes back, a check, mails that are sent and refused, a reload, a restart.
func startScene(t *testing.T) *scene {
	t.Helper()
	program := testneed.Program(t, "prometheus", "prometheus")
	s := &scene{&stack{mailbox: harness.StartMailbox(t), flag: filepath.Join(t.TempDir(), "flag")}}
	s.mailbox.Refused = "gone@example.org"
	raise(t, s.flag)
	shop, up, warns, down := startShop(t), harness.StartService(t), harness.StartService(t), harness.StartService(t)
	warns.Set("warn")
	down.Set("fail")
	s.exporter = harness.StartExporter(t, fmt.Sprintf(`
alerting:
  external_url: http://monitor.example.org:10115
  email: {smarthost: %q, from: health@example.org, to: [ops@example.org, gone@example.org], tls_config: {ca_file: %s, server_name: 127.0.0.1}, wait: 0s, interval: 0s}
modules:
  tls: {prober: health, health: {tls_config: {insecure_skip_verify: true}}}
targets:
  - {app: shop, url: %q, module: tls, group: sales, interval: 1s, healthy: 2}
  - {app: up, url: %q, interval: 1s, healthy: 2}
  - {app: warns, url: %q, interval: 1s, healthy: 2}
  - {app: down, url: %q, interval: 1s, healthy: 2}
  - {app: not known, url: %q, interval: 1h, initial_delay: 1h}
checks: [{name: flag, kind: file, path: %q, interval: 1s, healthy: 2}]
`, s.mailbox.Address, s.mailbox.CAFile, shop.url, up.URL, warns.URL, down.URL, up.URL, s.flag))
	s.exporter.MustCall(t, http.MethodPost, "/api/v1/targets", harness.Registration("resting", up.URL, ""), nil, http.StatusCreated)
	s.exporter.MustCall(t, http.MethodPost, harness.TargetPath("resting")+"/pause", nil, nil, http.StatusOK)

	s.scrape(t, program)
	s.exporter.Terminate(t)
	s.exporter.Start(t)
	for app, state := range map[string]string{"shop": "healthy", "up": "healthy", "warns": "degraded", "down": "unhealthy", "not known": "unknown"} {
		s.awaitState(t, app, state)
	}
	shop.set("fail")
	s.awaitState(t, "shop", "unhealthy")
	shop.set("pass")
	s.awaitState(t, "shop", "healthy")
	s.exporter.MustCall(t, http.MethodPost, "/-/reload", nil, nil, http.StatusOK)
	return s
}

// scrape runs Prometheus with the shipped rules. Its times, and those of rules about
// days, are made seconds.
func (s *scene) scrape(t *testing.T, program string) {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command(harness.Program(), "rules", "--dir", dir).CombinedOutput(); err != nil {
		t.Fatalf("writing the rules: %v\n%s", err, out)
	}
	rules := filepath.Join(dir, "rules", "health_slo.rules.yml")
	content, err := os.ReadFile(rules)
	if err != nil {
		t.Fatal(err)
	}
	faster := regexp.MustCompile(`(?m)^  interval: \d+m$`).ReplaceAll(content, []byte("  interval: 1s"))
	if string(faster) == string(content) {
		t.Fatal("the rules have no intervals of their own")
	}
	if err := os.WriteFile(rules, faster, 0o600); err != nil {
		t.Fatal(err)
	}
	address := testport.Reserve(t)
	s.prometheus = "http://" + address
	harness.Example(t, dir, "prometheus.yml", "localhost:10115", s.exporter.Address, "localhost:9093", testport.Reserve(t),
		"scrape_interval: 15s", "scrape_interval: 1s", "evaluation_interval: 15s", "evaluation_interval: 1s")
	s.evaluating = exec.Command(program, "--config.file=prometheus.yml", "--web.listen-address="+address, "--storage.tsdb.path="+t.TempDir())
	s.evaluating.Dir = dir
	s.startPrometheus(t)
}

func (s *scene) awaitState(t *testing.T, app, state string) {
	t.Helper()
	s.awaitValue(t, fmt.Sprintf(`health_target_state{target=%q,state=%q}`, app, state), "1")
}

// dashboard is what the test reads of one.
type dashboard struct {
	Panels []struct {
		Title   string
		Targets []struct {
			RefID, Expr string
			Instant     bool
		}
	}
	Templating struct {
		List []struct{ Name, Definition string }
	}
	Annotations struct{ List []struct{ Name, Expr string } }
	text        string
}

// dashboard reads one of those that the program has written.
func (s *scene) dashboard(t *testing.T, file string) dashboard {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(s.evaluating.Dir, "dashboards", file))
	if err != nil {
		t.Fatal(err)
	}
	d := dashboard{text: string(content)}
	if err := json.Unmarshal(content, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// query is one of a panel, variable or annotation.
type query struct {
	name, expr string
	instant    bool
	label      string // of a variable: whose values are asked for
}

var labelValues = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)

func (d *dashboard) queries(file string) (list []query) {
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			list = append(list, query{name: file + ": " + p.Title + " " + q.RefID, expr: q.Expr, instant: q.Instant})
		}
	}
	for _, v := range d.Templating.List {
		if m := labelValues.FindStringSubmatch(v.Definition); m != nil {
			list = append(list, query{name: file + ": variable " + v.Name, expr: m[1], label: m[2]})
		} else if v.Name != "datasource" {
			list = append(list, query{name: file + ": variable " + v.Name, expr: "label_values is expected"})
		}
	}
	for _, a := range d.Annotations.List {
		list = append(list, query{name: file + ": annotation " + a.Name, expr: a.Expr})
	}
	return list
}

// pages are the links to pages of the exporter.
func (d *dashboard) pages() []string {
	return slices.Compact(slices.Sorted(slices.Values(regexp.MustCompile(`http://[^"]+`).FindAllString(d.text, -1))))
}

// answers has the query run until there is data.
func (s *scene) answers(t *testing.T, q query, values map[string]string) {
	t.Helper()
	deadline := time.Now().Add(harness.StartLimit)
	for {
		results, err := s.ask(q, values)
		_, empty := emptyPanels[q.name]
		if err == nil && len(results) == 0 && !empty {
			err = errors.New("no data")
		}
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("%s: %v\n%s", q.name, err, filled(q.expr, values))
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// filled puts values in place of variables, as Grafana does.
func filled(expr string, values map[string]string) string {
	expr = strings.ReplaceAll(expr, "$__rate_interval", "30s")
	for name, value := range values {
		expr = strings.ReplaceAll(expr, "$"+name, value)
	}
	return expr
}

// result is one series that Prometheus answers with. Those of a variable have no more
// than a value.
type result struct {
	Metric map[string]string
	Value  [2]any
	Values [][2]any
}

// ask asks Prometheus what Grafana would.
func (s *scene) ask(q query, values map[string]string) ([]result, error) {
	expr := filled(q.expr, values)
	if strings.Contains(expr, "$") {
		return nil, errors.New("there is a variable that is not known")
	}
	if q.label != "" {
		var names []string
		err := s.get("/api/v1/label/"+q.label+"/values?match[]="+url.QueryEscape(expr), &names)
		return make([]result, len(names)), err
	}
	var data struct{ Result []result }
	path := "/api/v1/query?query=" + url.QueryEscape(expr)
	if !q.instant {
		now := time.Now().Unix()
		path = fmt.Sprintf("/api/v1/query_range?start=%d&end=%d&step=1&query=%s", now-60, now, url.QueryEscape(expr))
	}
	if err := s.get(path, &data); err != nil {
		return nil, err
	}
	if q.label == "" && !q.instant {
		data.Result = slices.DeleteFunc(data.Result, func(r result) bool { return !r.hasNumber() })
	}
	return data.Result, nil
}

// hasNumber reports whether there is anything to draw.
func (r *result) hasNumber() bool {
	return slices.ContainsFunc(r.Values, func(v [2]any) bool {
		n, err := strconv.ParseFloat(fmt.Sprint(v[1]), 64)
		return err == nil && n == n
	})
}

func (s *scene) get(path string, into any) error {
	resp, err := harness.Client.Get(s.prometheus + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer := struct {
		Status, Error string
		Data          any
	}{Data: into}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Status != "success" {
		return errors.New(answer.Error)
	}
	return nil
}
