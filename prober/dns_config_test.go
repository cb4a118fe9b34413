package prober

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
	"gopkg.in/yaml.v3"

	"github.com/health-exporter/health_exporter/health"
)

// dnsModuleOf makes a module of a block of options; empty text is not a block.
func dnsModuleOf(options string) (*Module, error) {
	src := ModuleSource{Kind: "dns"}
	if options != "" {
		src.Decode = func(into any) error { return yaml.Unmarshal([]byte(options), into) }
	}
	return NewModule(src)
}

func TestDNSFaults(t *testing.T) {
	for options, want := range map[string]string{
		"{}":                             "query_name: must be set",
		"query_type: A":                  "query_name: must be set",
		"{query_name: a, query_type: B}": `query_type: "B" is not a valid DNS record type`,
		"{query_name: a, query_class: 1, resolver: here}": "query_class: \"1\" is not a valid DNS record class\n" +
			`resolver: "here" is not a valid address of a DNS server, such as 192.168.0.1 or [fd00::1]:53`,
		"{query_name: a, transport_protocol: https, path: dns}": `path: "dns" is not a valid URL path, such as /dns-query`,
		"{query_name: a, tls_config: {cert_file: x}}":           "exactly one of key or key_file must be configured when a client certificate is configured",
		"{query_name: a, transport_protocol: https}":            "",
	} {
		_, err := dnsModuleOf(options)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", options, got, want)
		}
	}
}

// TestDNSWarnings: what blackbox_exporter loads is loaded with a warning, and
// fails when a probe comes to it, which says nothing about the target.
func TestDNSWarnings(t *testing.T) {
	target := serveDNS(t, "udp", "127.0.0.1", nil, answerFully(t))
	for _, test := range []struct {
		name, options string
		want          []string // the warnings
		fails         string   // the error; empty for a pass
		looked        float64  // probe_ip_protocol
		succeeded     float64
	}{
		{"all right", "query_name: a", nil, "", 4, 1},
		{
			"protocol of the address", "{query_name: a, preferred_ip_protocol: ipv4}",
			[]string{`preferred_ip_protocol: "ipv4" means ip4: neither ip6 nor empty`},
			"", 4, 1,
		},
		{
			"transport", "{query_name: a, transport_protocol: sctp}",
			[]string{`transport_protocol: must be udp, tcp or https, not "sctp"`},
			`transport_protocol: must be udp, tcp or https, not "sctp"`, absent, 0,
		},
		{
			"TLS over UDP", "{query_name: a, transport_protocol: udp, dns_over_tls: true}",
			[]string{"dns_over_tls: needs transport_protocol: tcp, not udp"},
			"dns_over_tls: needs transport_protocol: tcp, not udp", 4, 0,
		},
		{
			"name", "query_name: a..b",
			[]string{`query_name: "a..b" is not a valid DNS name: bad rdata`},
			`query_name: "a..b" is not a valid DNS name: bad rdata`, 4, 0,
		},
		{
			"rcode", "{query_name: a, valid_rcodes: [NOERROR, NOERR]}",
			[]string{`valid_rcodes[1]: "NOERR" is not a valid response code, such as NOERROR or NXDOMAIN`},
			`valid_rcodes[1]: "NOERR" is not a valid response code, such as NOERROR or NXDOMAIN`, 4, 1,
		},
		{
			"expressions", "{query_name: a, validate_answer_rrs: {fail_if_matches_regexp: [x, '(']}, validate_additional_rrs: {fail_if_none_matches_regexp: ['[']}}",
			[]string{
				"validate_answer_rrs.fail_if_matches_regexp[1]: error parsing regexp: missing closing ): `(`",
				"validate_additional_rrs.fail_if_none_matches_regexp[0]: error parsing regexp: missing closing ]: `[`",
			},
			"validate_answer_rrs.fail_if_matches_regexp[1]: error parsing regexp: missing closing ): `(`", 4, 1,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := dnsModuleOf(test.options)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, warning := range m.Warnings() {
				got = append(got, warning.Error())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("warnings: %s", diff)
			}
			res := probeWithin(t, m, 5*time.Second, Request{Target: target, Samples: true})
			wantOutcome, wantReason := health.Pass, ReasonNone
			if test.fails != "" {
				wantOutcome, wantReason = health.Fail, ReasonInternal
			}
			if res.Outcome != wantOutcome || res.Reason != wantReason || res.Error != test.fails || res.Inconclusive != (test.fails != "") {
				t.Errorf("%+v", res)
			}
			checkValues(t, res, map[string]float64{"probe_ip_protocol": test.looked, "probe_dns_query_succeeded": test.succeeded})
		})
	}
}

// TestDNSInvalidExpressionWithoutRecords: nothing is held against it, so it does
// no harm, as in blackbox_exporter.
func TestDNSInvalidExpressionWithoutRecords(t *testing.T) {
	target := serveDNS(t, "udp", "127.0.0.1", nil, func(w dns.ResponseWriter, query *dns.Msg) {
		_ = w.WriteMsg(new(dns.Msg).SetReply(query))
	})
	for key, pass := range map[string]bool{"fail_if_matches_regexp": true, "fail_if_all_match_regexp": true, "fail_if_not_matches_regexp": false} {
		m, err := dnsModuleOf("{query_name: a, validate_answer_rrs: {" + key + ": ['(']}}")
		if err != nil {
			t.Fatal(err)
		}
		res := probeWithin(t, m, 5*time.Second, Request{Target: target})
		if (res.Outcome == health.Pass) != pass || !pass && !strings.Contains(res.Error, "no answer records") {
			t.Errorf("%s: %+v", key, res)
		}
	}
}

// TestDNSExpressionText: an expression is shown as it was written, even a wrong one.
func TestDNSExpressionText(t *testing.T) {
	for _, want := range []string{"a.b", "(", ""} {
		var r dnsRegexp
		if err := r.UnmarshalText([]byte(want)); err != nil {
			t.Fatal(err)
		}
		if got, err := r.MarshalText(); err != nil || string(got) != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
}
