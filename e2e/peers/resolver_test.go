package peers

import (
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/health"
	"github.com/health-exporter/health_exporter/internal/testneed"
	"github.com/health-exporter/health_exporter/prober"
)

// resolvers are name servers that know bücher.example, and a name of a metadata service.
var resolvers = map[string]func(t *testing.T) (address string){
	"unbound": func(t *testing.T) string {
		program := testneed.Program(t, "unbound", "unbound", "/usr/sbin/unbound")
		port := freePorts(t, 1)[0]
		conf := `server:
  do-daemonize: no
  use-syslog: no
  logfile: ""
  chroot: ""
  username: ""
  pidfile: ""
  directory: "` + t.TempDir() + `"
  interface: 127.0.0.1@` + port + `
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  local-zone: "example." static
  local-data: "` + asciiName + `. A 127.0.0.1"
  local-data: "_dmarc.` + asciiName + `. TXT v=DMARC1"
  local-data: "meta.example. A 169.254.169.254"
  local-data: "four.example. A 127.0.0.1"
  local-zone: "broken.test." always_refuse
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@1
remote-control:
  control-enable: no
`
		harness.StartServer(t, "127.0.0.1:"+port, program, "-c", write(t, t.TempDir(), "unbound.conf", conf))
		return "127.0.0.1:" + port
	},
	"dnsmasq": func(t *testing.T) string {
		program := testneed.Program(t, "dnsmasq-base", "dnsmasq", "/usr/sbin/dnsmasq")
		port := freePorts(t, 1)[0]
		harness.StartServer(t, "127.0.0.1:"+port, program, "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--no-resolv", "--no-hosts", "--pid-file=",
			"--bind-interfaces", "--listen-address=127.0.0.1", "--port="+port, "--local=/example/",
			"--address=/"+asciiName+"/127.0.0.1", "--txt-record=_dmarc."+asciiName+",v=DMARC1",
			"--address=/meta.example/169.254.169.254", "--address=/four.example/127.0.0.1",
			"--server=/servfail.test/127.0.0.1#1")
		return "127.0.0.1:" + port
	},
}

// A name beyond ASCII is one name to a real name server and to a real web server, and
// what a name leads to is for the policy to see.
func TestNamesThroughResolvers(t *testing.T) {
	w := startNginx(t)
	for name, startResolver := range resolvers {
		t.Run(name, func(t *testing.T) {
			resolver := startResolver(t)
			m := modules(t, `
modules:
  http: {prober: http, http: {resolver: "`+resolver+`", preferred_ip_protocol: ip4, tls_config: {ca_file: `+w.ca.file+`}, fail_if_body_not_matches_regexp: [`+asciiName+`]}}
  four: {prober: http, http: {resolver: "`+resolver+`", preferred_ip_protocol: ip6, ip_protocol_fallback: false}}
  tcp: {prober: tcp, tcp: {resolver: "`+resolver+`", preferred_ip_protocol: ip4, tls: true, tls_config: {ca_file: `+w.ca.file+`}}}
  dmarc: {prober: dns, dns: {query_name: _dmarc.Bücher.example, query_type: TXT, validate_answer_rrs: {fail_if_not_matches_regexp: [DMARC1]}}}
`)
			for _, test := range []struct {
				module, target string
				want           prober.Reason
			}{
				{"http", "https://BÜCHER.example:" + w.secure + "/health", prober.ReasonNone},
				{"http", "https://bu\u0308cher。example:" + w.secure + "/health", prober.ReasonNone},
				{"tcp", "bücher.example:" + w.secure, prober.ReasonNone},
				{"dmarc", resolver, prober.ReasonNone},
				{"http", "http://faß.example:" + w.plain + "/", prober.ReasonDNS},
				{"http", "http://meta.example:" + w.plain + "/", prober.ReasonPolicy},
				{"tcp", "meta.example:" + w.plain, prober.ReasonPolicy},
				{"four", "http://four.example:" + w.plain + "/health", prober.ReasonDNS},
			} {
				res := probe(t, m[test.module], prober.Request{Target: test.target})
				if res.Reason != test.want || test.want == prober.ReasonNone && res.Outcome != health.Pass {
					t.Errorf("%s %s: %s: %s", test.module, test.target, res.Reason, res.Error)
				}
			}
			if res := probe(t, m["http"], prober.Request{Target: "https://four.example:" + w.secure + "/health"}); res.Reason != prober.ReasonTLS || !strings.Contains(res.Error, "four.example") {
				t.Errorf("another name: %s: %s", res.Reason, res.Error)
			}
		})
	}
}
