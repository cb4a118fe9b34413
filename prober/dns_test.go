package prober

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
	"github.com/prometheus/common/config"

	"github.com/health-exporter/health_exporter/health"
)

// dnsModule makes a module of kind dns that asks for example.org; set may change
// its options.
func dnsModule(t testing.TB, set func(p *dnsProbe)) *Module {
	t.Helper()
	m, err := NewModule(ModuleSource{Kind: "dns", Decode: func(into any) error {
		p := into.(*dnsProbe)
		p.QueryName, p.QueryType, p.configured = "example.org", "A", true
		if set != nil {
			set(p)
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestDNSTransports: over each transport and protocol, the metrics are those of
// blackbox_exporter; only DNS over HTTPS, which it has not, shows the certificate.
func TestDNSTransports(t *testing.T) {
	ca := newAuthority(t)
	expiry := time.Now().Add(100 * time.Hour).Truncate(time.Second)
	cert := ca.issue(t, expiry, "127.0.0.1", "::1")
	trust := config.TLSConfig{CAFile: ca.file}
	overHTTPS := overHTTPSHandler(t, func(query *dns.Msg) *dns.Msg { return fullAnswer(t, query) })
	for _, test := range []struct {
		name  string
		serve func(t *testing.T, host string) string
		set   func(p *dnsProbe)
		tls   bool
		https bool
	}{
		{
			name: "udp", set: func(*dnsProbe) {},
			serve: func(t *testing.T, host string) string { return serveDNS(t, "udp", host, nil, answerFully(t)) },
		},
		{
			name: "tcp", set: func(p *dnsProbe) { p.TransportProtocol = "tcp" },
			serve: func(t *testing.T, host string) string { return serveDNS(t, "tcp", host, nil, answerFully(t)) },
		},
		{
			name: "tls", set: func(p *dnsProbe) { p.DNSOverTLS = true }, tls: true,
			serve: func(t *testing.T, host string) string { return serveDNS(t, "tcp", host, &cert, answerFully(t)) },
		},
		{
			name: "https with HTTP/2", set: func(p *dnsProbe) { p.TransportProtocol = "https" }, tls: true, https: true,
			serve: func(t *testing.T, host string) string { return serveDNSOverHTTPS(t, host, cert, true, overHTTPS) },
		},
		{
			name: "https with HTTP/1.1", set: func(p *dnsProbe) { p.TransportProtocol = "https" }, tls: true, https: true,
			serve: func(t *testing.T, host string) string { return serveDNSOverHTTPS(t, host, cert, false, overHTTPS) },
		},
	} {
		m := dnsModule(t, func(p *dnsProbe) { p.TLSConfig = trust; test.set(p) })
		for host, protocol := range map[string]float64{"127.0.0.1": 4, "::1": 6} {
			t.Run(test.name+" "+host, func(t *testing.T) {
				target := test.serve(t, host)
				res := probeWithin(t, m, 5*time.Second, Request{Target: target, Samples: true})
				if res.Outcome != health.Pass || res.Reason != "" || res.Phase != "" {
					t.Fatalf("%+v", res)
				}
				checkValues(t, res, map[string]float64{
					"probe_dns_answer_rrs": 2, "probe_dns_authority_rrs": 1, "probe_dns_additional_rrs": 3,
					"probe_dns_query_succeeded": 1, "probe_ip_protocol": protocol, "probe_dns_serial": absent,
					"probe_ip_addr_hash": map[string]float64{"127.0.0.1": 3668918509, "::1": 1751717746}[host],
				})
				names := []string{
					"probe_dns_lookup_time_seconds", "probe_ip_protocol", "probe_ip_addr_hash",
					"probe_dns_answer_rrs", "probe_dns_authority_rrs", "probe_dns_additional_rrs", "probe_dns_query_succeeded",
					"probe_dns_duration_seconds", "probe_dns_duration_seconds", "probe_dns_duration_seconds",
				}
				if test.https {
					names = append(names, "probe_ssl_earliest_cert_expiry", "probe_ssl_last_chain_expiry_timestamp_seconds",
						"probe_tls_version_info", "probe_ssl_last_chain_info")
				}
				if diff := cmp.Diff(names, dnsSampleNames(res.Samples)); diff != "" {
					t.Errorf("metrics: %s", diff)
				}
				values := valuesOf(res.Samples)
				for _, phase := range []string{"resolve", "connect", "request"} {
					if took := values["probe_dns_duration_seconds{phase="+phase+"}"]; took <= 0 || took > res.Duration.Seconds() {
						t.Errorf("phase %s took %g s of %s", phase, took, res.Duration)
					}
				}
				if test.tls != res.CertExpiry.Equal(expiry) {
					t.Errorf("certificate expires at %s", res.CertExpiry)
				}
				if test.https != (res.StatusCode == http.StatusOK) {
					t.Errorf("status code %d", res.StatusCode)
				}
			})
		}
	}
}

func dnsSampleNames(samples []Sample) (names []string) {
	for _, s := range samples {
		names = append(names, s.Name)
	}
	return names
}

// TestDNSQuestion: the server is asked just what the options say.
func TestDNSQuestion(t *testing.T) {
	asked := make(chan *dns.Msg, 1)
	target := serveDNS(t, "udp", "127.0.0.1", nil, func(w dns.ResponseWriter, query *dns.Msg) {
		asked <- query.Copy()
		_ = w.WriteMsg(new(dns.Msg).SetReply(query))
	})
	question := func(name string, kind, class uint16) []dns.Question {
		return []dns.Question{{Name: name, Qtype: kind, Qclass: class}}
	}
	for _, test := range []struct {
		name      string
		options   string
		recursion bool
		want      []dns.Question
	}{
		{"no block", "", true, question(".", dns.TypeANY, dns.ClassINET)},
		{"only a name", "query_name: example.org", true, question("example.org.", dns.TypeANY, dns.ClassINET)},
		{
			"everything", "{query_name: version.bind., query_type: TXT, query_class: CH, recursion_desired: false}", false,
			question("version.bind.", dns.TypeTXT, dns.ClassCHAOS),
		},
		{"empty words", `{query_name: example.org, query_type: "", query_class: ""}`, true, question("example.org.", dns.TypeANY, dns.ClassINET)},
		{"small letters", "{query_name: example.org, query_type: mx, query_class: any}", true, question("example.org.", dns.TypeMX, dns.ClassANY)},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := dnsModuleOf(test.options)
			if err != nil {
				t.Fatal(err)
			}
			if res := probeWithin(t, m, 5*time.Second, Request{Target: target}); res.Outcome != health.Pass {
				t.Fatalf("%+v", res)
			}
			query := <-asked
			if diff := cmp.Diff(test.want, query.Question); diff != "" {
				t.Error(diff)
			}
			if query.RecursionDesired != test.recursion || len(query.Extra) > 0 || query.Response {
				t.Errorf("query %v", query)
			}
		})
	}
}

// TestDNSQueryID: queries differ, so that nobody can guess.
func TestDNSQueryID(t *testing.T) {
	const probes = 20
	var mu sync.Mutex
	ids := map[uint16]bool{}
	target := serveDNS(t, "udp", "127.0.0.1", nil, func(w dns.ResponseWriter, query *dns.Msg) {
		mu.Lock()
		ids[query.Id] = true
		mu.Unlock()
		_ = w.WriteMsg(new(dns.Msg).SetReply(query))
	})
	m := dnsModule(t, nil)
	for range probes {
		if res := probeWithin(t, m, 5*time.Second, Request{Target: target}); res.Outcome != health.Pass {
			t.Fatalf("%+v", res)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(ids) < probes-2 { // two may be alike by chance, once in 300 runs
		t.Errorf("only %d different IDs in %d queries", len(ids), probes)
	}
}

// TestDNSSerial: the metric is there once an answer to a question for SOA is.
func TestDNSSerial(t *testing.T) {
	const soa = "example.org. 60 IN SOA ns.example.org. me.example.org. 2024010203 1 2 3 4"
	for _, test := range []struct {
		name, kind string
		records    []string
		want       float64
	}{
		{"record", "SOA", []string{soa}, 2024010203},
		{"no record", "SOA", nil, 0},
		{"another record", "SOA", []string{"example.org. 60 IN A 192.0.2.1"}, 0},
		{"another question", "A", []string{soa}, absent},
	} {
		t.Run(test.name, func(t *testing.T) {
			target := serveDNS(t, "udp", "127.0.0.1", nil, func(w dns.ResponseWriter, query *dns.Msg) {
				m := new(dns.Msg).SetRcode(query, dns.RcodeServerFailure) // which does not matter
				for _, text := range test.records {
					m.Answer = append(m.Answer, rr(t, text))
				}
				_ = w.WriteMsg(m)
			})
			m := dnsModule(t, func(p *dnsProbe) { p.QueryType = test.kind })
			res := probeWithin(t, m, 5*time.Second, Request{Target: target, Samples: true})
			checkValues(t, res, map[string]float64{"probe_dns_serial": test.want, "probe_dns_query_succeeded": 1})
		})
	}
}

func TestDNSRcodes(t *testing.T) {
	for _, test := range []struct {
		name  string
		rcode int
		valid []string
		want  string // the error; empty for a pass
	}{
		{"NOERROR", dns.RcodeSuccess, nil, ""},
		{"NXDOMAIN", dns.RcodeNameError, nil, "answer NXDOMAIN, want NOERROR"},
		{"NXDOMAIN is wanted", dns.RcodeNameError, []string{"NXDOMAIN"}, ""},
		{"one of two", dns.RcodeRefused, []string{"NOERROR", "refused"}, ""},
		{"none of two", dns.RcodeSuccess, []string{"NXDOMAIN", "REFUSED"}, "answer NOERROR, want NXDOMAIN or REFUSED"},
		{"one without a name", 12, nil, "answer RCODE12, want NOERROR"},
		{"one of EDNS0", dns.RcodeBadCookie, []string{"BADCOOKIE"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			target := serveDNS(t, "udp", "127.0.0.1", nil, func(w dns.ResponseWriter, query *dns.Msg) {
				m := new(dns.Msg).SetRcode(query, test.rcode)
				if test.rcode > 15 {
					m.SetEdns0(1232, false)
				}
				_ = w.WriteMsg(m)
			})
			res := probeWithin(t, dnsModule(t, func(p *dnsProbe) { p.ValidRcodes = test.valid }), 5*time.Second, Request{Target: target, Samples: true})
			if test.want == "" && res.Outcome == health.Pass {
				return
			}
			if res.Error != test.want || res.Reason != ReasonStatus || res.Phase != PhaseCheck || res.Inconclusive {
				t.Errorf("%+v, want %q", res, test.want)
			}
			checkValues(t, res, map[string]float64{"probe_dns_query_succeeded": 1})
		})
	}
}

func BenchmarkDNSUDP(b *testing.B) {
	answer := []dns.RR{rr(b, "example.org. 60 IN A 192.0.2.1")}
	target := serveDNS(b, "udp", "127.0.0.1", nil, func(w dns.ResponseWriter, query *dns.Msg) {
		m := new(dns.Msg).SetReply(query)
		m.Answer = answer
		_ = w.WriteMsg(m)
	})
	m := dnsModule(b, nil)
	b.ReportAllocs()
	for b.Loop() {
		if res := probeWithin(b, m, 5*time.Second, Request{Target: target, Samples: true}); res.Outcome != health.Pass {
			b.Fatalf("%+v", res)
		}
	}
}
