package registry

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/health-exporter/health_exporter/prober"
)

func from(url string, apps ...string) []prober.Target {
	targets := make([]prober.Target, len(apps))
	for i, app := range apps {
		targets[i] = prober.Target{App: app, URL: url}
	}
	return targets
}

func TestPrecedence(t *testing.T) {
	tests := []struct {
		name    string
		sources []prober.Source
		want    prober.Source
	}{
		{"config before all", []prober.Source{"mdns", "api", "config", "file_sd"}, "config"},
		{"registered before discovered", []prober.Source{"mdns", "http_sd", "file_sd", "api"}, "api"},
		{"file before HTTP", []prober.Source{"http_sd", "mdns", "file_sd"}, "file_sd"},
		{"HTTP before mDNS", []prober.Source{"mdns", "http_sd"}, "http_sd"},
		{"unknown last", []prober.Source{"zzz", "aaa", "mdns"}, "mdns"},
		{"unknown by name", []prober.Source{"zzz", "aaa"}, "aaa"},
		{"more after a colon", []prober.Source{"file_sd:/b.yml", "http_sd", "file_sd:/a.yml"}, "file_sd:/a.yml"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := open(t, Options{})
			for _, source := range test.sources {
				if source == prober.SourceAPI {
					put(t, r, api("x"))
				} else {
					r.Replace(source, from("http://"+string(source), "x"))
				}
			}
			got, _ := r.Target("x")
			if got == nil || got.Source != test.want {
				t.Fatalf("effective: %+v, want source %s", got, test.want)
			}
			want := Stats{Targets: map[prober.Source]int{test.want: 1}, Shadowed: len(test.sources) - 1}
			stats := r.Stats()
			if stats.Changes = 0; !cmp.Equal(want, stats) {
				t.Errorf("stats: %s", cmp.Diff(want, stats))
			}
		})
	}
}

func TestLoserWaits(t *testing.T) {
	r := open(t, Options{})
	url := func(want string) {
		t.Helper()
		got, ok := r.Target("x")
		if !ok && want != "" || ok && got.Place() != want {
			t.Errorf("effective: %+v, want %q", got, want)
		}
	}
	r.Replace("mdns", from("http://mdns", "x"))
	url("http://mdns")
	put(t, r, api("x"))
	url(api("x").URL)
	r.Replace("config", from("http://config", "x", "y", "x"))
	url("http://config")
	other := api("x")
	other.URL = "http://moved"
	put(t, r, other)
	url("http://config")
	r.Replace("config", from("http://config", "y"))
	url("http://moved")
	if _, err := r.Remove(prober.SourceAPI, "x"); err != nil {
		t.Fatal(err)
	}
	url("http://mdns")
	r.Replace("mdns", nil)
	url("")
	wantApps(t, r, "y")
}

func TestReplaceRefusesStoredSource(t *testing.T) {
	r := open(t, Options{})
	put(t, r, api("x"))
	r.Replace(prober.SourceAPI, nil)
	wantApps(t, r, "x")
}

func TestUnchangedTargetsKeepTheirPointers(t *testing.T) {
	r := open(t, Options{Path: t.TempDir()})
	r.Replace("config", from("http://a", "a", "b"))
	put(t, r, api("c"))
	before := r.Targets()
	<-r.Changed()

	r.Replace("config", from("http://a", "b", "a"))
	put(t, r, api("c"))
	select {
	case <-r.Changed():
		t.Error("told of a change where there is none")
	default:
	}
	if errs := r.Stats().Changes; errs != 2 {
		t.Errorf("%d changes, want 2", errs)
	}
	r.Replace("config", append(from("http://a", "b"), from("http://new", "a")...))
	<-r.Changed()
	after := r.Targets()
	if before[0] == after[0] || before[1] != after[1] || before[2] != after[2] {
		t.Errorf("pointers: before %p, after %p", before, after)
	}
	if !before[0].RegisteredAt.Equal(after[0].RegisteredAt) || before[0].RegisteredAt.IsZero() {
		t.Errorf("registered at %v, then %v", before[0].RegisteredAt, after[0].RegisteredAt)
	}
	if before[0].URL != "http://a" {
		t.Error("what was handed out has changed")
	}
}
