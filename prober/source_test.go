package prober

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestSourcePrecedence(t *testing.T) {
	want := []Source{
		"config", "api", "cluster", "static_sd:z", "file_sd:a", "file_sd:b", "http_sd:a", "dns_sd:a", "kubernetes_sd:a", "consul_sd:a",
		"mdns", "another", "something",
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, Source.Compare)
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if SourceAPI.Compare("api") != 0 {
		t.Error("a source differs from itself")
	}
}

func TestSourcesAnswer(t *testing.T) {
	type answers struct {
		job                          string
		found                        bool
		stored, byOperator, vanishes bool
	}
	for source, want := range map[Source]answers{
		SourceConfig:  {byOperator: true},
		SourceAPI:     {stored: true},
		SourceMDNS:    {vanishes: true},
		SourceCluster: {}, "": {}, "sd": {},
		SourceOfJob("file_sd", "lan"):  {job: "lan", found: true},
		SourceOfJob("http_sd", "a:b"):  {job: "a:b", found: true},
		SourceOfJob("file_sdx", "lan"): {job: "lan"},
	} {
		job, found := source.Job()
		if got := (answers{job, found, source.Stored(), source.ByOperator(), source.Vanishes()}); got != want {
			t.Errorf("%q: %+v, want %+v", source, got, want)
		}
	}
}

// On disk a source is the text that it always was.
func TestSourceAsJSON(t *testing.T) {
	text, err := json.Marshal(Target{App: "a", Source: SourceOfJob("file_sd", "lan")})
	if want := `{"app":"a","interval":0,"timeout":0,"unhealthy":0,"healthy":0,"source":"file_sd:lan"}`; err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
}
