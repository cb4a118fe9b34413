package prober

import (
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/health-exporter/health_exporter/health"
)

// TestDNSConditions has each condition on records of which all, some or none
// match, and on no records.
func TestDNSConditions(t *testing.T) {
	const (
		one = "example.org. 60 IN A 192.0.2.1"
		two = "example.org. 60 IN A 192.0.2.2"
	)
	both := []string{one, two}
	for _, test := range []struct {
		name, conditions string
		records          []string
		want             string // a part of the error; empty for a pass
	}{
		{"nothing", "", both, ""},
		{"nothing at all", "", nil, ""},

		{"matches: some", `fail_if_matches_regexp: ['2\.2$']`, both, `answer record "example.org. 60 IN A 192.0.2.2" matches "2\\.2$"`},
		{"matches: second expression", `fail_if_matches_regexp: [MX, A]`, both, `192.0.2.1" matches "A"`},
		{"matches: none", `fail_if_matches_regexp: [MX]`, both, ""},
		{"matches: no records", `fail_if_matches_regexp: ['.*']`, nil, ""},

		{"all match: all", `fail_if_all_match_regexp: [A, '192\.']`, both, ""},
		{"all match: some", `fail_if_all_match_regexp: ['2\.2$']`, both, `192.0.2.1" does not match "2\\.2$"`},
		{"all match: one of two expressions", `fail_if_all_match_regexp: [A, MX]`, both, `192.0.2.1" does not match "MX"`},
		{"all match: none", `fail_if_all_match_regexp: [MX]`, both, `does not match "MX"`},
		{"all match: no records", `fail_if_all_match_regexp: [MX]`, nil, ""},

		{"all matches: all", `fail_if_all_matches_regexp: ['2\.1$', '2\.2$']`, both, `all 2 answer records match "2\\.1$" or "2\\.2$"`},
		{"all matches: some", `fail_if_all_matches_regexp: ['2\.2$']`, both, ""},
		{"all matches: none", `fail_if_all_matches_regexp: [MX]`, both, ""},
		{"all matches: no records", `fail_if_all_matches_regexp: ['.*']`, nil, ""},

		{"not matches: all", `fail_if_not_matches_regexp: [A, '192\.']`, both, ""},
		{"not matches: some", `fail_if_not_matches_regexp: ['2\.2$']`, both, `192.0.2.1" does not match "2\\.2$"`},
		{"not matches: one of two expressions", `fail_if_not_matches_regexp: [A, MX]`, both, `does not match "MX"`},
		{"not matches: no records", `fail_if_not_matches_regexp: ['.*']`, nil, "no answer records"},

		{"none matches: some", `fail_if_none_matches_regexp: [MX, '2\.2$']`, both, ""},
		{"none matches: none", `fail_if_none_matches_regexp: [MX, TXT]`, both, `none of 2 answer records matches "MX" or "TXT"`},
		{"none matches: no records", `fail_if_none_matches_regexp: ['.*']`, nil, "no answer records"},

		{"whole text", `fail_if_not_matches_regexp: ['^example\.org\.\t60\tIN\tA\t192\.0\.2\.[12]$']`, both, ""},
		{"several conditions", `{fail_if_not_matches_regexp: [A], fail_if_none_matches_regexp: [MX]}`, both, "none of 2"},
		{"long record", `fail_if_matches_regexp: [TXT]`, []string{`example.org. 60 IN TXT "` + strings.Repeat("ä", 120) + `"`}, `…" matches "TXT"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			target := serveDNS(t, "udp", "127.0.0.1", nil, func(w dns.ResponseWriter, query *dns.Msg) {
				m := new(dns.Msg).SetReply(query)
				for _, text := range test.records {
					m.Answer = append(m.Answer, rr(t, text))
				}
				_ = w.WriteMsg(m)
			})
			conditions := strings.TrimSuffix(strings.TrimPrefix(test.conditions, "{"), "}")
			m, err := dnsModuleOf("{query_name: a, validate_answer_rrs: {" + conditions + "}}")
			if err != nil {
				t.Fatal(err)
			}
			res := probeWithin(t, m, 5*time.Second, Request{Target: target})
			switch {
			case test.want == "" && res.Outcome != health.Pass:
				t.Errorf("%+v, want a pass", res)
			case test.want != "" && (res.Reason != ReasonBody || res.Phase != PhaseCheck || !strings.Contains(res.Error, test.want)):
				t.Errorf("%+v, want %s", res, test.want)
			}
		})
	}
}

// TestDNSSections: each section has conditions of its own, in the order of the
// message.
func TestDNSSections(t *testing.T) {
	target := serveDNS(t, "udp", "127.0.0.1", nil, answerFully(t))
	for conditions, want := range map[string]string{
		"validate_answer_rrs: {fail_if_matches_regexp: [192]}":                                                              "answer record",
		"validate_authority_rrs: {fail_if_matches_regexp: [NS]}":                                                            "authority record",
		"validate_additional_rrs: {fail_if_matches_regexp: [TXT]}":                                                          "additional record",
		"validate_additional_rrs: {fail_if_matches_regexp: [TXT]}, validate_authority_rrs: {fail_if_matches_regexp: [NS]}":  "authority record",
		"validate_answer_rrs: {fail_if_matches_regexp: [TXT]}, validate_authority_rrs: {fail_if_not_matches_regexp: [ORG]}": "authority record",
	} {
		m, err := dnsModuleOf("{query_name: a, " + conditions + "}")
		if err != nil {
			t.Fatal(err)
		}
		if res := probeWithin(t, m, 5*time.Second, Request{Target: target}); res.Reason != ReasonBody || !strings.HasPrefix(res.Error, want) {
			t.Errorf("%s: %+v, want %s", conditions, res, want)
		}
	}
}
