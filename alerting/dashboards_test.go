package alerting_test

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/alerting"
	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/internal/selfmetrics"
)

// dashboards reads all of them, strictly, by file.
func dashboards(t *testing.T) map[string]*dashboard {
	t.Helper()
	files, err := fs.Glob(alerting.Files(), "dashboards/*.json")
	if err != nil || len(files) != 3 {
		t.Fatalf("%q, %v", files, err)
	}
	read := map[string]*dashboard{}
	for _, file := range files {
		content, err := fs.ReadFile(alerting.Files(), file)
		if err != nil {
			t.Fatal(err)
		}
		d := new(dashboard)
		if err := strictly(content, d); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		read[file] = d
	}
	return read
}

// TestDashboardsHaveTheirIdentity: what Grafana and links know them by.
func TestDashboardsHaveTheirIdentity(t *testing.T) {
	want := map[string]string{
		"dashboards/overview.json": "health-exporter-overview",
		"dashboards/target.json":   "health-exporter-target",
		"dashboards/exporter.json": "health-exporter-self",
	}
	for file, d := range dashboards(t) {
		if d.UID != want[file] {
			t.Errorf("%s: uid %q, want %q: links and bookmarks have it", file, d.UID, want[file])
		}
		if d.ID != nil {
			t.Errorf("%s: it has the id of one Grafana, which may be that of another dashboard elsewhere", file)
		}
		if d.SchemaVersion != 38 {
			t.Errorf("%s: schemaVersion %d, want that of Grafana 10.0", file, d.SchemaVersion)
		}
		if !slices.Equal(d.Tags, []string{"health_exporter"}) || d.Links[0].Type != "dashboards" || !slices.Equal(d.Links[0].Tags, d.Tags) {
			t.Errorf("%s: the dashboards do not find each other by their tag", file)
		}
	}
}

func TestPanels(t *testing.T) {
	for file, d := range dashboards(t) {
		ids, titles, area := map[int]bool{}, map[string]bool{}, map[[2]int]string{}
		for _, p := range d.Panels {
			if p.ID <= 0 || ids[p.ID] {
				t.Errorf("%s: %s: the id %d is taken or none", file, p.Title, p.ID)
			}
			ids[p.ID] = true
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other := area[[2]int{x, y}]; other != "" || x < 0 || x > 23 {
						t.Fatalf("%s: %s lies on %q, or beside the grid", file, p.Title, other)
					}
					area[[2]int{x, y}] = p.Title
				}
			}
			if p.Type == "row" {
				continue
			}
			if p.Title == "" || len(p.Description) < 10 || !strings.HasSuffix(p.Description, ".") {
				t.Errorf("%s: %q: no title or no description", file, p.Title)
			}
			if titles[p.Title+p.Type] {
				t.Errorf("%s: two panels are called %s", file, p.Title)
			}
			titles[p.Title+p.Type] = true
			if err := p.check(); err != nil {
				t.Errorf("%s: %s: %v", file, p.Title, err)
			}
		}
		if len(ids) < 20 {
			t.Errorf("%s: only %d panels: the test looks in the wrong place", file, len(ids))
		}
	}
}

// TestStatesHaveTheirColours: green for what is well everywhere, amber, red, and grey
// for what nobody knows.
func TestStatesHaveTheirColours(t *testing.T) {
	colours := map[string]string{"healthy": "green", "degraded": "orange", "unhealthy": "red", "unknown": "#8e8e8e", "paused": "blue"}
	found := 0
	for file, d := range dashboards(t) {
		for _, p := range d.Panels {
			for _, m := range p.mappings() {
				for _, to := range m.values() {
					if want := colours[to.Text]; want != "" && want != to.Color {
						t.Errorf("%s: %s: %s is %s, want %s", file, p.Title, to.Text, to.Color, want)
					} else if want != "" {
						found++
					}
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d states have a colour", found)
	}
}

// expression is one of a panel, a variable or an annotation.
type expression struct{ where, text string }

func (d *dashboard) expressions() (list []expression) {
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			list = append(list, expression{p.Title, q.Expr})
		}
	}
	for _, v := range d.Templating.List {
		if inner, ok := strings.CutPrefix(v.Definition, "label_values("); ok {
			selector := inner[:strings.LastIndex(inner, ",")]
			list = append(list, expression{"variable " + v.Name, selector})
		}
	}
	for _, a := range d.Annotations.List {
		list = append(list, expression{"annotation " + a.Name, a.Expr})
	}
	return list
}

// TestDashboardsNameMetricsThatExist looks for them among what the exporter exposes,
// what the shipped rules record, and what every scrape and every Go program has.
func TestDashboardsNameMetricsThatExist(t *testing.T) {
	exist := append(slices.Concat(collector.Names(), selfmetrics.Names()), "up", "ALERTS", "scrape_duration_seconds", "scrape_samples_scraped",
		"process_start_time_seconds", "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds",
		"go_goroutines", "go_memstats_heap_inuse_bytes")
	for _, file := range []string{targetRules, checkRules, sloRules} {
		for _, rules := range groupsOf(t, file) {
			for _, rule := range rules {
				exist = append(exist, rule.Record)
			}
		}
	}
	used := map[string]bool{}
	for file, d := range dashboards(t) {
		for _, e := range d.expressions() {
			names := metricsOf(e.text)
			if len(names) == 0 {
				t.Errorf("%s: %s: no metric in %s", file, e.where, e.text)
			}
			for _, name := range names {
				used[name] = true
				base := regexp.MustCompile(`_(bucket|count|sum)$`).ReplaceAllString(name, "")
				if !slices.Contains(exist, name) && !slices.Contains(exist, base) {
					t.Errorf("%s: %s: there is no metric %s", file, e.where, name)
				}
			}
		}
	}
	if len(used) < 50 {
		t.Errorf("only %d metrics are used", len(used))
	}
}

var (
	notMetrics = regexp.MustCompile(`\{[^}]*\}|\[[^\]]*\]|"[^"]*"|\b(by|on|ignoring|without|group_left|group_right) \([^)]*\)`)
	identifier = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*\(?( \()?`)
)

// metricsOf are the names of the metrics in an expression.
func metricsOf(expr string) (names []string) {
	for _, word := range identifier.FindAllString(notMetrics.ReplaceAllString(expr, " "), -1) {
		word = strings.TrimSuffix(word, " (")
		if !strings.HasSuffix(word, "(") && !slices.Contains([]string{
			"and", "or", "unless", "offset", "bool", "sum", "max", "count", "avg", "min", "topk", "bottomk",
		}, word) {
			names = append(names, word)
		}
	}
	return names
}

func TestMetricsOf(t *testing.T) {
	got := metricsOf(`sum by (le, x) (rate(a_bucket{b="c",d=~"$e"}[$__rate_interval])) > 0 and on (job) (g:h:5m * 1e3) or topk(3, i) unless j offset 5m`)
	if want := []string{"a_bucket", "g:h:5m", "i", "j"}; !slices.Equal(slices.DeleteFunc(got, func(s string) bool { return s == "e3" || s == "m" }), want) {
		t.Errorf("%q, want %q", got, want)
	}
}

var variable = regexp.MustCompile(`\$\{?(\w+)`)

// TestDashboardsFitAnyInstallation: no name of a job, host or data source stands in
// them, each variable is there, and those with more than one value are matched.
func TestDashboardsFitAnyInstallation(t *testing.T) {
	builtIn := []string{"__rate_interval", "__data", "__field", "__url_time_range"}
	for file, d := range dashboards(t) {
		multi := map[string]bool{}
		for _, v := range d.Templating.List {
			multi[v.Name] = v.Multi
		}
		for _, e := range d.expressions() {
			for _, m := range regexp.MustCompile(`(\w+)(=~|!~|!=|=)"([^"]*)"`).FindAllStringSubmatch(e.text, -1) {
				label, operator, value := m[1], m[2], m[3]
				name, isVariable := strings.CutPrefix(value, "$")
				if slices.Contains([]string{"job", "instance", "target", "group", "module"}, label) && !isVariable {
					t.Errorf("%s: %s: %s is %q", file, e.where, label, value)
				}
				if isVariable && multi[name] != (operator == "=~") {
					t.Errorf("%s: %s: $%s is compared by %s", file, e.where, name, operator)
				}
			}
			for _, m := range variable.FindAllStringSubmatch(e.text, -1) {
				if _, ok := multi[m[1]]; !ok && !slices.Contains(builtIn, m[1]) {
					t.Errorf("%s: %s: no variable %s", file, e.where, m[1])
				}
			}
			if strings.Contains(e.text, "rate(") && !strings.Contains(e.text, "[$__rate_interval]") {
				t.Errorf("%s: %s: a rate over a fixed time misses samples at another scrape interval", file, e.where)
			}
		}
		if err := d.checkVariables(); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestLinks: those to dashboards name one that is there, with variables it has.
func TestLinks(t *testing.T) {
	all := dashboards(t)
	variables := map[string][]string{}
	for _, d := range all {
		for _, v := range d.Templating.List {
			variables[d.UID] = append(variables[d.UID], v.Name)
		}
	}
	toDashboards, toPages := 0, 0
	for file, d := range all {
		for _, p := range d.Panels {
			for _, link := range p.links() {
				if strings.HasPrefix(link.URL, "http://${") {
					toPages++
					continue
				}
				toDashboards++
				path, query, _ := strings.Cut(link.URL, "?")
				uid := strings.TrimPrefix(path, "/d/")
				if variables[uid] == nil {
					t.Errorf("%s: %s: a link to %s", file, p.Title, link.URL)
				}
				for _, m := range regexp.MustCompile(`var-(\w+)=`).FindAllStringSubmatch(query, -1) {
					if !slices.Contains(variables[uid], m[1]) {
						t.Errorf("%s: %s: a link to %s with %s", file, p.Title, uid, m[1])
					}
				}
			}
		}
	}
	if toDashboards < 5 || toPages < 5 {
		t.Errorf("%d links to dashboards, %d to pages", toDashboards, toPages)
	}
}

// TestProvisioning reads the example that has Grafana load the dashboards.
func TestProvisioning(t *testing.T) {
	var sources struct {
		APIVersion  int `yaml:"apiVersion"`
		Datasources []struct {
			Name, Type, Access, URL, UID string
			IsDefault                    bool `yaml:"isDefault"`
			JSONData                     struct {
				TimeInterval string `yaml:"timeInterval"`
				HTTPMethod   string `yaml:"httpMethod"`
			} `yaml:"jsonData"`
		}
	}
	var providers struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name, Folder, Type    string
			OrgID                 int  `yaml:"orgId"`
			DisableDeletion       bool `yaml:"disableDeletion"`
			AllowUIUpdates        bool `yaml:"allowUiUpdates"`
			UpdateIntervalSeconds int  `yaml:"updateIntervalSeconds"`
			Options               struct{ Path string }
		}
	}
	readExample(t, "provisioning/datasources/prometheus.yml", &sources)
	readExample(t, "provisioning/dashboards/health_exporter.yml", &providers)
	if s := sources.Datasources; sources.APIVersion != 1 || len(s) != 1 || s[0].Type != "prometheus" || !strings.HasPrefix(s[0].URL, "http://") {
		t.Errorf("%+v", sources)
	}
	if p := providers.Providers; providers.APIVersion != 1 || len(p) != 1 || p[0].Type != "file" || !strings.HasSuffix(p[0].Options.Path, "/dashboards") {
		t.Errorf("%+v", providers)
	}
	var prometheus struct {
		Global struct {
			ScrapeInterval string `yaml:"scrape_interval"`
		}
	}
	if err := yaml.Unmarshal(exampleFile(t, "../prometheus.yml.example"), &prometheus); err != nil {
		t.Fatal(err)
	}
	if got, want := sources.Datasources[0].JSONData.TimeInterval, prometheus.Global.ScrapeInterval; got != want {
		t.Errorf("timeInterval is %s, but Prometheus scrapes every %s: rates would have too few samples, or too many", got, want)
	}
}
