package discovery

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/health-exporter/health_exporter/prober"
)

// kinds are the modules of these tests.
func kinds(module string) (prober.Kind, bool) {
	kind, ok := map[string]prober.Kind{
		"health": "health", "http_2xx": "http", "tcp_connect": "tcp", "icmp": "icmp", "dns": "dns",
	}[module]
	return kind, ok
}

func defaults(module string) prober.Target {
	return prober.Target{Module: module, Interval: 30 * time.Second, Timeout: 5 * time.Second, Unhealthy: 2, Healthy: 10}
}

func group(labels model.LabelSet, addresses ...string) *targetgroup.Group {
	g := &targetgroup.Group{Labels: labels}
	for _, a := range addresses {
		g.Targets = append(g.Targets, model.LabelSet{model.AddressLabel: model.LabelValue(a)})
	}
	return g
}

// rule is one as the file gives it.
func rule(action relabel.Action, sources, regex, target, replacement string) *relabel.Config {
	r := relabel.DefaultRelabelConfig
	r.Action, r.Regex, r.TargetLabel, r.NameValidationScheme = action, relabel.MustNewRegexp(regex), target, model.UTF8Validation
	if replacement != "" {
		r.Replacement = replacement
	}
	for s := range strings.FieldsSeq(sources) {
		r.SourceLabels = append(r.SourceLabels, model.LabelName(s))
	}
	return &r
}

// found is the outcome in the words of the table: each target as "app module place {labels}".
func foundAs(targets []prober.Target) []string {
	var list []string
	for _, t := range targets {
		line := fmt.Sprintf("%s | %s %s", t.App, t.Module, t.Place())
		if len(t.Labels) > 0 {
			line += " " + strings.TrimPrefix(fmt.Sprint(t.Labels), "map")
		}
		list = append(list, line)
	}
	return list
}

func TestTargets(t *testing.T) {
	long := strings.Repeat("x", 200)
	for _, test := range []struct {
		name   string
		module string
		groups []*targetgroup.Group
		rules  []*relabel.Config
		most   int
		want   []string
		drops  []string
	}{
		{
			name: "a plain list", module: "http_2xx",
			groups: []*targetgroup.Group{group(model.LabelSet{"room": "attic", "job": "node"}, "10.0.0.1:80", "10.0.0.2:80")},
			want: []string{
				"10.0.0.1:80 | http_2xx http://10.0.0.1:80 [exported_job:node room:attic]",
				"10.0.0.2:80 | http_2xx http://10.0.0.2:80 [exported_job:node room:attic]",
			},
		},
		{
			name: "a URL stays as it is", module: "http_2xx",
			groups: []*targetgroup.Group{group(nil, "https://example.org/a?b=c")},
			want:   []string{"example.org_a?b=c | http_2xx https://example.org/a?b=c"},
		},
		{
			name: "scheme and path of the labels", module: "http_2xx",
			groups: []*targetgroup.Group{group(model.LabelSet{"__scheme__": "https", "__metrics_path__": "ready", "app": "shop"}, "10.0.0.1:443")},
			want:   []string{"shop | http_2xx https://10.0.0.1:443/ready"},
		},
		{
			name: "the usual relabelling for a prober", module: "health",
			groups: []*targetgroup.Group{group(model.LabelSet{"__metrics_path__": "/probe"}, "https://example.org/", "example.com")},
			rules: []*relabel.Config{
				rule(relabel.Replace, "__address__", "(.*)", "__param_target", "$1"),
				rule(relabel.Replace, "__param_target", "(.*)", "instance", "$1"),
				rule(relabel.Replace, "", "(.*)", "__address__", "prober:9115"),
				rule(relabel.Replace, "", "(.*)", "__param_module", "http_2xx"),
			},
			want: []string{"example.com | http_2xx http://example.com", "example.org | http_2xx https://example.org/"},
		},
		{
			name: "kinds that take no URL", module: "tcp_connect",
			groups: []*targetgroup.Group{
				group(nil, "10.0.0.1:22"), group(model.LabelSet{"__health_module__": "icmp"}, "10.0.0.2:9100", "[fd00::1]:9100", "fd00::2", "nas"),
			},
			want: []string{
				"10.0.0.1:22 | tcp_connect 10.0.0.1:22", "10.0.0.2 | icmp 10.0.0.2", "fd00::1 | icmp fd00::1", "fd00::2 | icmp fd00::2", "nas | icmp nas",
			},
		},
		{
			name: "rules keep, drop and map", module: "http_2xx",
			groups: []*targetgroup.Group{
				group(model.LabelSet{"__meta_x": "yes", "__meta_label_team": "a"}, "a:1"), group(model.LabelSet{"__meta_x": "no"}, "b:1"), group(nil, "c:1"),
			},
			rules: []*relabel.Config{
				rule(relabel.Keep, "__meta_x", "yes", "", ""), rule(relabel.LabelMap, "", "__meta_label_(.+)", "", "$1"),
			},
			want: []string{"a:1 | http_2xx http://a:1 [team:a]"},
		},
		{
			name: "the same set comes once, the same target is left out, others of one name are told apart", module: "http_2xx",
			groups: []*targetgroup.Group{
				group(model.LabelSet{"app": "web"}, "a:1", "b:1", "a:1", "c:1"), group(model.LabelSet{"app": "web", "x": "y"}, "b:1"),
				group(model.LabelSet{"app": "web", "__param_module": "tcp_connect"}, "a:1"),
			},
			want: []string{
				"web a:1 http_2xx | http_2xx http://a:1", "web a:1 tcp_connect | tcp_connect a:1", "web b:1 http_2xx | http_2xx http://b:1",
				"web c:1 | http_2xx http://c:1",
			},
			drops: []string{"duplicate web b:1 http_2xx"},
		},
		{
			name: "an unknown module, and what makes no target, are left out one by one", module: "http_2xx",
			groups: []*targetgroup.Group{
				group(model.LabelSet{"__param_module": "nix"}, "a:1"), group(nil, "", "b:99999", "http://u:p@c/", "good:1"),
				group(model.LabelSet{"__health_interval__": "1s"}, "d:1"), group(model.LabelSet{"__health_timeout__": "soon"}, "e:1"),
				group(model.LabelSet{"__health_email__": "nobody"}, "f:1"), group(model.LabelSet{"__scheme__": "ftp"}, "g:1"),
			},
			want:  []string{"good:1 | http_2xx http://good:1"},
			drops: []string{"module a:1", "invalid ", "invalid b:99999", "invalid u:p@c", "invalid d:1", "invalid e:1", "invalid f:1", "invalid ftp:__g:1"},
		},
		{
			name: "names are made valid", module: "http_2xx",
			groups: []*targetgroup.Group{
				group(model.LabelSet{"app": " a/b\n"}, "a:1"), group(model.LabelSet{"app": "..", "instance": "i"}, "b:1"), group(model.LabelSet{"app": model.LabelValue(long)}, "c:1"),
			},
			want: []string{
				"a_b | http_2xx http://a:1", "i | http_2xx http://b:1", strings.Repeat("x", 119) + "~aa20c23e | http_2xx http://c:1",
			},
		},
		{
			name: "no more than the bound, by name", module: "http_2xx", most: 2,
			groups: []*targetgroup.Group{group(nil, "c:1", "a:1", "b:1")},
			want:   []string{"a:1 | http_2xx http://a:1", "b:1 | http_2xx http://b:1"},
			drops:  []string{"limit c:1"},
		},
		{
			name: "labels that go beyond the limits are left out, not the target", module: "http_2xx",
			groups: []*targetgroup.Group{group(model.LabelSet{
				"a": "1", "b": model.LabelValue(long), "c": "x\ny", "d.e": "1", "f": "1", "g": "1", "h": "1", "i": "1",
				"j": "1", "k": "1", "l": "1", "m": "1", "n": "1", "o": "1",
			}, "a:1")},
			want:  []string{"a:1 | http_2xx http://a:1 [a:1 f:1 g:1 h:1 i:1 j:1 k:1 l:1 m:1 n:1]"},
			drops: []string{"label a:1", "label a:1", "label a:1", "label a:1"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			job := &Job{Name: "j", Relabel: test.rules, Defaults: defaults(test.module), MaxTargets: test.most}
			targets, drops := job.targets(relabelled(test.groups, job.Relabel), kinds)
			if diff := cmp.Diff(test.want, foundAs(targets)); diff != "" {
				t.Error(diff)
			}
			var left []string
			for _, d := range drops {
				left = append(left, d.reason+" "+d.target)
			}
			if diff := cmp.Diff(test.drops, left); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLabelsThatSaySomething(t *testing.T) {
	job := &Job{Name: "j", Defaults: defaults("http_2xx")}
	job.Defaults.Labels = map[string]string{"site": "home", "room": "cellar"}
	job.Defaults.Group, job.Defaults.Email = "default", "me@example.org"
	sets := relabelled([]*targetgroup.Group{group(model.LabelSet{
		"__health_interval__": "1m", "__health_timeout__": "10s", "__health_group__": "media", "__health_email__": "You@Example.Org", "room": "attic",
	}, "a:1"), group(nil, "b:1")}, nil)
	got, drops := job.targets(sets, kinds)
	want := []prober.Target{
		{
			App: "a:1", URL: "http://a:1", Module: "http_2xx", Interval: time.Minute, Timeout: 10 * time.Second, Unhealthy: 2, Healthy: 10,
			Group: "media", Email: "You@example.org", Labels: map[string]string{"site": "home", "room": "attic"},
		},
		{
			App: "b:1", URL: "http://b:1", Module: "http_2xx", Interval: 30 * time.Second, Timeout: 5 * time.Second, Unhealthy: 2, Healthy: 10,
			Group: "default", Email: "me@example.org", Labels: map[string]string{"site": "home", "room": "cellar"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" || drops != nil {
		t.Error(diff, drops)
	}
	if job.Defaults.Labels["room"] != "cellar" {
		t.Error("a target has changed the labels of its job")
	}
}

// FuzzTargets: whatever is found, each target that is made is valid, and has a name of
// its own.
func FuzzTargets(f *testing.F) {
	f.Add("10.0.0.1:80", "app", "shop", "__param_module", "tcp_connect", "b:1")
	f.Add("http://[::1", "instance", "a/b", "__scheme__", "ftp", "")
	f.Add("", "", "\xff", "__metrics_path__", "\x00", ":")
	f.Add("x", "__param_target", "http://y", "__health_interval__", "7s", "x")
	f.Fuzz(func(t *testing.T, address, name1, value1, name2, value2, other string) {
		labels := model.LabelSet{model.LabelName(name1): model.LabelValue(value1), model.LabelName(name2): model.LabelValue(value2)}
		job := &Job{Name: "j", Defaults: defaults("http_2xx"), MaxTargets: 3}
		sets := relabelled([]*targetgroup.Group{group(labels, address, other), group(nil, other, address)}, nil)
		targets, _ := job.targets(sets, kinds)
		names := map[string]bool{}
		for _, each := range targets {
			if faults := each.Validate(prober.FileLimits(), kinds); len(faults) > 0 {
				t.Errorf("%+v: %v", each, faults[0])
			}
			if names[each.App] {
				t.Errorf("%q comes twice", each.App)
			}
			names[each.App] = true
		}
		if len(targets) > 3 {
			t.Errorf("%d targets", len(targets))
		}
	})
}

func FuzzValidName(f *testing.F) {
	f.Add("http://a/b/")
	f.Add(strings.Repeat("ä", 200))
	f.Fuzz(func(t *testing.T, text string) {
		name := validName(text)
		if name == "" {
			return
		}
		target := prober.Target{App: name, URL: "http://x", Interval: time.Minute, Timeout: time.Second, Unhealthy: 2, Healthy: 2}
		if faults := target.Validate(prober.FileLimits(), kinds); len(faults) > 0 || !utf8.ValidString(name) {
			t.Errorf("%q of %q: %v", name, text, faults)
		}
	})
}
