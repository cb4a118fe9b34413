package oracle

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
	"github.com/health-exporter/health_exporter/internal/testneed"
)

// oracleFile is a configuration file that both programs accept, or both refuse,
// unless it says why not.
type oracleFile struct {
	name, content string
	// differs is why we decide otherwise than blackbox_exporter.
	differs string
	// The file differs from the releases 0.from to 0.(before-1); 0 means no bound.
	from, before int
}

// oracleFiles are small files, each with one thing that is odd or wrong.
var oracleFiles = []oracleFile{
	{name: "one module", content: "modules: {a: {prober: http}}"},
	{name: "nothing", content: "", differs: "without a word in the file the defaults hold"},
	{name: "a comment", content: "# nothing\n", differs: "without a word in the file the defaults hold"},
	{name: "an empty mapping", content: "{}"},
	{name: "no modules", content: "modules: {}"},
	{name: "modules null", content: "modules:"},
	{name: "a list", content: "- a"},
	{name: "a word", content: "modules"},
	{name: "modules a list", content: "modules: [a]"},
	{name: "no YAML", content: "modules: {a: ["},
	{name: "a tab", content: "modules:\n\ta: {prober: http}"},
	{name: "two documents", content: "modules: {a: {prober: http}}\n---\nmodules: 5", differs: "nobody would read the second"},
	{name: "an unknown key at the top", content: "modules: {}\nother: 1"},
	{name: "a key for extensions", content: "x-shared: &x {prober: http}\nmodules: {a: *x}"},
	{name: "an unknown key of a module", content: "modules: {a: {prober: http, retries: 3}}"},
	{name: "an unknown key of http", content: "modules: {a: {prober: http, http: {status: [200]}}}"},
	{name: "a key in upper case", content: "modules: {a: {prober: http, http: {Method: GET}}}"},
	{name: "a module twice", content: "modules: {a: {prober: http}, a: {prober: tcp}}"},
	{name: "a key twice", content: "modules: {a: {prober: http, prober: tcp}}"},
	{name: "an anchor and a merge", content: "modules: {a: &a {prober: http, timeout: 5s}, b: {<<: *a, timeout: 6s}}"},
	{name: "an alias", content: "modules: {a: &a {prober: http}, b: *a}"},
	{name: "an unknown alias", content: "modules: {a: *none}"},
	{name: "a module null", content: "modules: {a: }"},
	{name: "a module without prober", content: "modules: {a: {timeout: 5s}}", differs: "an unknown kind is found out at once", before: 29},
	{name: "an unknown prober", content: "modules: {a: {prober: ftp}}", differs: "an unknown kind is found out at once", before: 29},
	{name: "a prober in upper case", content: "modules: {a: {prober: HTTP}}", differs: "an unknown kind is found out at once", before: 29},
	{name: "a module named by a number", content: "modules: {1: {prober: http}}"},
	{name: "blocks of other probers", content: "modules: {a: {prober: http, tcp: {tls: true}, dns: {query_name: a}}}"},
	{name: "a faulty block of another prober", content: "modules: {a: {prober: http, tcp: {tsl: true}}}"},
	{name: "an invalid block of another prober", content: "modules: {a: {prober: http, dns: {}}}"},
	{name: "an http block null", content: "modules: {a: {prober: http, http: }}"},

	{name: "a composed duration", content: "modules: {a: {prober: http, timeout: 1m30s}}"},
	{name: "a fraction of a second", content: "modules: {a: {prober: http, timeout: 1.5s}}"},
	{name: "a day", content: "modules: {a: {prober: http, timeout: 1d}}", differs: "durations are Prometheus', as in the rest of the file"},
	{name: "a duration without unit", content: "modules: {a: {prober: http, timeout: 5}}"},
	{name: "zero without unit", content: "modules: {a: {prober: http, timeout: 0}}", differs: "no time at all needs no unit"},
	{name: "zero in quotes", content: `modules: {a: {prober: http, timeout: "0"}}`},
	{name: "zero seconds", content: "modules: {a: {prober: http, timeout: 0s}}"},
	{name: "a negative duration", content: "modules: {a: {prober: http, timeout: -1s}}"},

	{name: "a range of statuses", content: "modules: {a: {prober: http, http: {valid_status_codes: [2xx]}}}", differs: "classes and ranges of statuses are ours"},
	{name: "statuses in quotes", content: `modules: {a: {prober: http, http: {valid_status_codes: ["200"]}}}`, differs: "a status may be text: it may be a class"},
	{name: "one status, no list", content: "modules: {a: {prober: http, http: {valid_status_codes: 200}}}"},
	{name: "an odd status", content: "modules: {a: {prober: http, http: {valid_status_codes: [99, 1000, -1]}}}"},
	{name: "a boolean in words", content: "modules: {a: {prober: http, http: {fail_if_ssl: yes}}}"},
	{name: "a boolean in quotes", content: `modules: {a: {prober: http, http: {fail_if_ssl: "true"}}}`},
	{name: "a number for a string", content: "modules: {a: {prober: http, http: {method: 5}}}"},
	{name: "a number for a header", content: "modules: {a: {prober: http, http: {headers: {X-A: 5}}}}"},
	{name: "a list for a header", content: "modules: {a: {prober: http, http: {headers: {X-A: [a]}}}}"},
	{name: "a faulty regexp", content: `modules: {a: {prober: http, http: {fail_if_body_matches_regexp: ["("]}}}`},
	{name: "a regexp, no list", content: `modules: {a: {prober: http, http: {fail_if_body_matches_regexp: "a"}}}`},
	{name: "a look-ahead", content: `modules: {a: {prober: http, http: {fail_if_body_matches_regexp: ["(?=a)"]}}}`},
	{name: "a header rule without header", content: "modules: {a: {prober: http, http: {fail_if_header_matches: [{regexp: a}]}}}"},
	{name: "a header rule without regexp", content: "modules: {a: {prober: http, http: {fail_if_header_matches: [{header: a}]}}}"},
	{name: "a header rule with an empty regexp", content: `modules: {a: {prober: http, http: {fail_if_header_matches: [{header: a, regexp: ""}]}}}`},
	{name: "an unknown compression", content: "modules: {a: {prober: http, http: {compression: zip}}}"},
	{name: "a compression that is not accepted", content: "modules: {a: {prober: http, http: {compression: gzip, headers: {Accept-Encoding: br}}}}"},
	{name: "a compression refused by weight", content: `modules: {a: {prober: http, http: {compression: gzip, headers: {accept-encoding: "gzip;q=0, *"}}}}`},
	{name: "a compression accepted by weight", content: `modules: {a: {prober: http, http: {compression: gzip, headers: {accept-encoding: "br;q=0.5, *;q=0.1"}}}}`},
	{name: "a size", content: "modules: {a: {prober: http, http: {body_size_limit: 10MB}}}"},
	{name: "a binary size", content: "modules: {a: {prober: http, http: {body_size_limit: 1KiB}}}"},
	{name: "a size without unit", content: "modules: {a: {prober: http, http: {body_size_limit: 1000}}}"},
	{name: "a size in kilo", content: "modules: {a: {prober: http, http: {body_size_limit: 10kB}}}"},
	{name: "a negative size", content: "modules: {a: {prober: http, http: {body_size_limit: -1B}}}"},
	{name: "an unknown protocol", content: "modules: {a: {prober: http, http: {preferred_ip_protocol: ipv9}}}"},
	{name: "an odd method", content: "modules: {a: {prober: http, http: {method: \"G ET\"}}}"},
	{name: "an unknown version", content: "modules: {a: {prober: http, http: {valid_http_versions: [HTTP/9]}}}"},
	{name: "body and file", content: "modules: {a: {prober: http, http: {body: a, body_file: b}}}"},
	{name: "two ways of authorization", content: "modules: {a: {prober: http, http: {bearer_token: a, basic_auth: {username: b}}}}"},
	{name: "password and file", content: "modules: {a: {prober: http, http: {basic_auth: {username: b, password: c, password_file: d}}}}"},
	{name: "basic authorization", content: "modules: {a: {prober: http, http: {authorization: {type: basic}}}}"},
	{name: "a certificate without key", content: "modules: {a: {prober: http, http: {tls_config: {cert_file: a}}}}", differs: "one is no use without the other", before: 24},
	{name: "missing files", content: "modules: {a: {prober: http, http: {tls_config: {ca_file: /none}, bearer_token_file: /none}}}"},
	{name: "an unknown TLS version", content: "modules: {a: {prober: http, http: {tls_config: {min_version: TLS14}}}}"},
	{name: "TLS versions in the wrong order", content: "modules: {a: {prober: http, http: {tls_config: {min_version: TLS13, max_version: TLS12}}}}"},
	{name: "a proxy that is not a URL", content: `modules: {a: {prober: http, http: {proxy_url: "http://[::1"}}}`},

	{name: "an expect", content: `modules: {a: {prober: tcp, tcp: {query_response: [{expect: "^a", send: b}]}}}`},
	{name: "a faulty expect", content: `modules: {a: {prober: tcp, tcp: {query_response: [{expect: "["}]}}}`},
	{name: "an empty step", content: "modules: {a: {prober: tcp, tcp: {query_response: [{}]}}}"},
	{name: "a step, no list", content: "modules: {a: {prober: tcp, tcp: {query_response: {expect: a}}}}"},
	{name: "a source that is not an address", content: "modules: {a: {prober: tcp, tcp: {source_ip_address: eth0}}}"},

	{name: "a dns block without name", content: "modules: {a: {prober: dns, dns: {query_type: A}}}"},
	{name: "dns without block", content: "modules: {a: {prober: dns}}"},
	{name: "an empty dns block", content: "modules: {a: {prober: dns, dns: {}}}"},
	{name: "an unknown record type", content: "modules: {a: {prober: dns, dns: {query_name: a, query_type: B}}}"},
	{name: "a record type in lower case", content: "modules: {a: {prober: dns, dns: {query_name: a, query_type: aaaa}}}", differs: "nothing else could be meant"},
	{name: "an unknown class", content: "modules: {a: {prober: dns, dns: {query_name: a, query_class: XX}}}"},
	{name: "an unknown rcode", content: "modules: {a: {prober: dns, dns: {query_name: a, valid_rcodes: [NONE]}}}"},
	{name: "a faulty dns regexp", content: `modules: {a: {prober: dns, dns: {query_name: a, validate_answer_rrs: {fail_if_matches_regexp: ["("]}}}}`},
	{name: "an unknown dns transport", content: "modules: {a: {prober: dns, dns: {query_name: a, transport_protocol: sctp}}}"},
	{name: "dns over TLS over udp", content: "modules: {a: {prober: dns, dns: {query_name: a, transport_protocol: udp, dns_over_tls: true}}}"},

	{name: "a ttl too high", content: "modules: {a: {prober: icmp, icmp: {ttl: 256}}}"},
	{name: "a negative ttl", content: "modules: {a: {prober: icmp, icmp: {ttl: -1}}}"},
	{name: "a ttl of 0", content: "modules: {a: {prober: icmp, icmp: {ttl: 0}}}"},
	{name: "a huge payload", content: "modules: {a: {prober: icmp, icmp: {payload_size: 1000000}}}"},
	{name: "a negative payload", content: "modules: {a: {prober: icmp, icmp: {payload_size: -1}}}"},
	{name: "grpc", content: "modules: {a: {prober: grpc, grpc: {service: a, tls: true}}}"},
}

// TestOracleConfigCheck has both programs check the same files.
func TestOracleConfigCheck(t *testing.T) {
	t.Parallel()
	program := testneed.Program(t, "prometheus-blackbox-exporter", "blackbox_exporter", "prometheus-blackbox-exporter")
	oracle := oracleVersion(t, program)
	dir := t.TempDir()
	for _, f := range oracleFiles {
		t.Run(f.name, func(t *testing.T) {
			file := filepath.Join(dir, "blackbox.yml")
			writeFile(t, file, f.content)
			accepts := func(program string) (bool, string) {
				out, err := exec.Command(program, "--config.file="+file, "--config.check").CombinedOutput()
				return err == nil, string(out)
			}
			ours, ourWords := accepts(harness.Program())
			theirs, theirWords := accepts(program)
			differs := f.differs != "" && oracle >= f.from && (f.before == 0 || oracle < f.before)
			switch {
			case ours != theirs && !differs:
				t.Errorf("accepted by us: %t, by blackbox_exporter: %t\n%s\nwe say: %stheirs says: %s", ours, theirs, f.content, ourWords, theirWords)
			case ours == theirs && differs:
				t.Errorf("both accept it: %t; it is said to differ: %s", ours, f.differs)
			}
		})
	}
}
