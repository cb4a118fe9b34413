package peers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/testneed"
	"github.com/health-exporter/health_exporter/prober"
)

// A real proxy is asked for the name over plain HTTP, so that virtual hosts work, for
// the address that the policy has seen where it only connects, and for nothing that the
// policy forbids.
func TestSquid(t *testing.T) {
	w := startNginx(t)
	resolver := resolvers["unbound"](t)
	program := testneed.Program(t, "squid", "squid", "/usr/sbin/squid")
	port, dir := freePorts(t, 1)[0], w.ca.dir
	log := filepath.Join(dir, "access.log")
	conf := `http_port 127.0.0.1:` + port + `
http_access allow localhost
cache deny all
access_log stdio:` + log + `
cache_log ` + dir + `/cache.log
pid_filename ` + dir + `/squid.pid
coredump_dir ` + dir + `
hosts_file ` + write(t, dir, "hosts", "127.0.0.1 "+asciiName+" a.example onlyproxy.example\n") + `
netdb_filename none
shutdown_lifetime 0 seconds
`
	harness.StartServer(t, "127.0.0.1:"+port, program, "-N", "-f", write(t, dir, "squid.conf", conf))
	proxy := "http://127.0.0.1:" + port
	m := modules(t, `
modules:
  http: {prober: http, http: {proxy_url: "`+proxy+`", resolver: "`+resolver+`", tls_config: {ca_file: `+w.ca.file+`}, fail_if_body_not_matches_regexp: [pass]}}
  skip: {prober: http, http: {proxy_url: "`+proxy+`", resolver: "`+resolver+`", skip_resolve_phase_with_proxy: true, tls_config: {ca_file: `+w.ca.file+`}}}
`)
	for _, test := range []struct {
		module, target string
		want           prober.Reason
		asked          string // in the proxy's log
	}{
		{"http", "http://bücher.example:" + w.plain + "/health", prober.ReasonNone, "GET http://" + asciiName + ":" + w.plain + "/health"},
		{"http", "https://bücher.example:" + w.secure + "/health", prober.ReasonNone, "CONNECT 127.0.0.1:" + w.secure},
		{"skip", "https://bücher.example:" + w.secure + "/health", prober.ReasonNone, "CONNECT " + asciiName + ":" + w.secure},
		{"skip", "http://onlyproxy.example:" + w.plain + "/health", prober.ReasonNone, "GET http://onlyproxy.example:" + w.plain + "/health"},
		{"http", "http://onlyproxy.example:" + w.plain + "/health", prober.ReasonDNS, ""},
		{"http", "http://meta.example/", prober.ReasonPolicy, ""},
		{"skip", "http://meta.example/", prober.ReasonPolicy, ""},
		{"skip", "https://meta.example/", prober.ReasonPolicy, ""},
	} {
		before := logged(t, log)
		res := probe(t, m[test.module], prober.Request{Target: test.target})
		if res.Reason != test.want || test.want == prober.ReasonNone && res.Outcome != health.Pass {
			t.Errorf("%s %s: %s: %s", test.module, test.target, res.Reason, res.Error)
		}
		// The log is behind, and has a line of its own for the connection that looked whether the proxy is up.
		for end := time.Now().Add(5 * time.Second); !strings.Contains(strings.TrimPrefix(logged(t, log), before), test.asked) && time.Now().Before(end); {
			time.Sleep(20 * time.Millisecond)
		}
		if got := strings.TrimPrefix(logged(t, log), before); !strings.Contains(got, test.asked) || test.asked == "" && got != "" {
			t.Errorf("%s %s: the proxy was asked %q, want %q", test.module, test.target, got, test.asked)
		}
	}
	if strings.Contains(logged(t, log), "meta") || strings.Contains(logged(t, log), "169.254") {
		t.Errorf("the proxy was asked for what is forbidden:\n%s", logged(t, log))
	}
}

func logged(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(content)
}
