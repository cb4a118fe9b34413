package app

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/prober"
)

// TestCredentialsAreWithheld from what others than the operator have named, if it was
// stored before that was refused, is found on the network, or is discovered elsewhere.
func TestCredentialsAreWithheld(t *testing.T) {
	asked := make(chan string, 1000)
	peer := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path + " " + r.Header.Get("Authorization")
	}))
	defer peer.Close()
	list := "[{\"targets\": [\"" + peer.URL + "/kept\"], \"labels\": {\"app\": \"§\", \"__param_module\": \"§\"}}]"
	dir := t.TempDir()
	for _, name := range []string{"open", "here", "other"} {
		write(t, filepath.Join(dir, name+".json"), strings.ReplaceAll(strings.Replace(list, "§", "found_"+name, 1), "§", name))
	}
	const basic = "http: {basic_auth: {username: u, password: p}}}"
	file := filepath.Join(dir, "c.yml")
	write(t, file, `
modules:
  open: {prober: http, `+basic+`
  here: {prober: http, allow: [127.0.0.1], `+basic+`
  other: {prober: http, allow: [10.0.0.1, a.example], `+basic+`
  plain: {prober: http}
discovery: {jobs: [{name: files, interval: 1s, file_sd_configs: [{files: ["*.json"]}]}], mdns: {modules: [open, here, other, plain]}}
targets: [{app: mine, url: "`+peer.URL+`/kept", module: open, interval: 1s}]
`)
	r := start(t, Options{ConfigFile: file})
	for _, source := range []prober.Source{prober.SourceAPI, prober.SourceMDNS, prober.SourceCluster} {
		var targets []prober.Target
		for _, module := range []string{"open", "here", "other", "plain"} {
			target := prober.NewTarget()
			target.App, target.Module, target.URL, target.Source, target.Interval = string(source)+"_"+module, module, peer.URL+"/"+module, source, 1e9
			if source == prober.SourceAPI {
				target.From = prober.FromOwnHost
				if _, err := r.storage.Registry.Put(target); err != nil {
					t.Fatal(err)
				}
			}
			targets = append(targets, target)
		}
		if source != prober.SourceAPI {
			r.storage.Registry.Replace(source, targets)
		}
	}
	for app, want := range map[string]string{
		"api_open": `"open\" holds credentials`, "api_here": "", "api_other": `"other\" does not allow`, "api_plain": "",
		"mdns_open": `"open\" holds credentials`, "mdns_here": "", "mdns_other": `"other\" does not allow`, "mdns_plain": "",
		"cluster_open": `"open\" holds credentials`, "cluster_here": "", "cluster_other": `"other\" does not allow`, "cluster_plain": "",
		"found_open": "", "found_here": "", "found_other": `"other\" does not allow`, "mine": "",
	} {
		r.eventually(app, func() bool {
			code, body := r.get("/api/v1/targets/" + app)
			withheld := strings.Contains(body, "(allow)") || strings.Contains(body, "does not allow")
			return code == http.StatusOK && withheld == (want != "") && strings.Contains(body, want) && (want == "" || strings.Contains(body, `"state":"UNKNOWN"`))
		})
	}
	r.eventually("a probe of what may be", func() bool { return strings.HasPrefix(<-asked, "/here Basic") })
	for len(asked) > 0 {
		if got := <-asked; strings.HasPrefix(got, "/open") || strings.HasPrefix(got, "/other") {
			t.Errorf("asked %s", got)
		}
	}
}
