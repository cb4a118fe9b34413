package oracle

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// dnsValidator is a module that holds the records of an answer against a condition.
type dnsValidator struct{ Module, Condition string }

// dnsValidators are part of the configuration. The answer has two addresses, 192.0.2.1
// and 192.0.2.2, the authority one name server, the additional section two records.
var dnsValidators = []dnsValidator{
	{"dns_matches_one", `validate_answer_rrs: {fail_if_matches_regexp: ["192.0.2.2$"]}`},
	{"dns_matches_none", `validate_answer_rrs: {fail_if_matches_regexp: ["192.0.2.3$", "AAAA"]}`},
	{"dns_all_match", `validate_answer_rrs: {fail_if_all_match_regexp: ["IN\tA\t192"]}`},
	{"dns_all_match_one", `validate_answer_rrs: {fail_if_all_match_regexp: ["192.0.2.2$"]}`},
	{"dns_all_match_none", `validate_answer_rrs: {fail_if_all_match_regexp: ["192.0.2.3$"]}`},
	{"dns_not_matches_all", `validate_answer_rrs: {fail_if_not_matches_regexp: ["^www\\.example\\.org\\.\t300\tIN\tA\t192"]}`},
	{"dns_not_matches_one", `validate_answer_rrs: {fail_if_not_matches_regexp: ["192.0.2.2$"]}`},
	{"dns_not_matches_two", `validate_answer_rrs: {fail_if_not_matches_regexp: ["192", "192.0.2.2$"]}`},
	{"dns_none_matches_one", `validate_answer_rrs: {fail_if_none_matches_regexp: ["192.0.2.2$"]}`},
	{"dns_none_matches_two", `validate_answer_rrs: {fail_if_none_matches_regexp: ["192.0.2.3$", "192.0.2.1$"]}`},
	{"dns_none_matches_none", `validate_answer_rrs: {fail_if_none_matches_regexp: ["192.0.2.3$"]}`},
	{"dns_authority", `validate_authority_rrs: {fail_if_matches_regexp: ["ns1"]}`},
	{"dns_authority_other", `validate_authority_rrs: {fail_if_matches_regexp: ["ns2"]}`},
	{"dns_authority_none", `validate_authority_rrs: {fail_if_none_matches_regexp: ["ns2"]}`},
	{"dns_additional", `validate_additional_rrs: {fail_if_not_matches_regexp: ["203.0.113"]}`},
	{"dns_additional_none", `validate_additional_rrs: {fail_if_none_matches_regexp: ["203.0.113"]}`},
	{"dns_several", `validate_answer_rrs: {fail_if_not_matches_regexp: ["192"]}, validate_additional_rrs: {fail_if_matches_regexp: ["TXT"]}`},
}

// startDNS serves the same zone over UDP, TCP and TLS, the first two on one port.
func (l *listeners) startDNS(t *testing.T) {
	t.Helper()
	packets, stream := listenBoth(t)
	l.dns = packets.LocalAddr().String()
	secure, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{l.ca.server(t)}})
	if err != nil {
		t.Fatal(err)
	}
	l.dnsTLS = secure.Addr().String()
	for _, server := range []*dns.Server{{PacketConn: packets}, {Listener: stream}, {Listener: secure}} {
		server.Handler = dns.HandlerFunc(answerQuestion)
		started, ended := make(chan struct{}), make(chan error, 1)
		server.NotifyStartedFunc = func() { close(started) }
		go func() { ended <- server.ActivateAndServe() }()
		<-started
		t.Cleanup(func() {
			if err := server.Shutdown(); err != nil {
				t.Errorf("stopping the name server: %v", err)
			}
			if err := <-ended; err != nil {
				t.Errorf("the name server ended: %v", err)
			}
		})
	}
}

// listenBoth listens on a port that is free in UDP and in TCP.
func listenBoth(t *testing.T) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 20 {
		packets, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if stream, err := net.Listen("tcp", packets.LocalAddr().String()); err == nil {
			return packets, stream
		}
		packets.Close()
	}
	t.Fatal("no port is free in UDP and in TCP")
	return nil, nil
}

func answerQuestion(w dns.ResponseWriter, question *dns.Msg) {
	answer := new(dns.Msg).SetReply(question)
	q := question.Question[0]
	add := func(section *[]dns.RR, records ...string) {
		for _, text := range records {
			rr, err := dns.NewRR(text)
			if err != nil {
				panic(err) // a mistake in this file
			}
			*section = append(*section, rr)
		}
	}
	switch name, _, _ := strings.Cut(q.Name, "."); name {
	case "silent":
		return
	case "none":
		answer.Rcode = dns.RcodeNameError
		add(&answer.Ns, "example.org. 60 IN SOA ns1.example.org. root.example.org. 7 1 1 1 1")
	case "servfail":
		answer.Rcode = dns.RcodeServerFailure
	case "empty":
	case "recursion":
		if !question.RecursionDesired {
			answer.Rcode = dns.RcodeRefused
		}
		add(&answer.Answer, `recursion.example.org. 60 IN TXT "a text"`)
	case "truncated":
		if _, isUDP := w.RemoteAddr().(*net.UDPAddr); isUDP {
			answer.Truncated = true
		} else {
			add(&answer.Answer, "truncated.example.org. 60 IN A 192.0.2.9")
		}
	case "example":
		add(&answer.Answer, "example.org. 60 IN SOA ns1.example.org. root.example.org. 2026010203 7200 3600 1209600 300")
	case "":
		add(&answer.Ns, ". 60 IN NS a.root-servers.net.")
	default:
		if q.Qtype == dns.TypeA || q.Qtype == dns.TypeANY {
			add(&answer.Answer, "www.example.org. 300 IN A 192.0.2.1", "www.example.org. 300 IN A 192.0.2.2")
		}
		add(&answer.Ns, "example.org. 300 IN NS ns1.example.org.")
		add(&answer.Extra, "ns1.example.org. 300 IN A 203.0.113.1", `ns1.example.org. 300 IN TXT "a text"`)
	}
	w.WriteMsg(answer)
}

func (l *listeners) dnsCases() []oracleCase {
	host, _, _ := net.SplitHostPort(l.dns)
	cases := []oracleCase{
		{name: "dns by name", module: "dns", target: "localhost:" + port(l.dns)},
		{name: "dns without port", module: "dns", target: host, timeout: "0.8"},
		{name: "dns refused", module: "dns", target: l.closed, timeout: "0.8"},
		{name: "dns refused over TCP", module: "dns_tcp", target: l.closed},
		{name: "dns of a silent TCP server", module: "dns_tcp", target: l.silent, timeout: "0.9"},
		{name: "dns of no name server", module: "dns_tcp", target: l.banner, timeout: "0.9"},
		{name: "dns no such host", module: "dns", target: "none..invalid"},
		{name: "dns port too high", module: "dns", target: "127.0.0.1:70000"},
		{name: "dns over TLS", module: "dns_tls", target: l.dnsTLS},
		{name: "dns over TLS, hostname", module: "dns_tls", target: l.dnsTLS, query: "hostname=other.example.org"},
		{name: "dns over TLS of a stranger", module: "dns_tls_stranger", target: l.dnsTLS},
		{name: "dns over TLS of a plain server", module: "dns_tls", target: l.dns, timeout: "0.9"},
	}
	modules := []string{
		"dns", "dns_no_block", "dns_tcp", "dns_any", "dns_soa", "dns_soa_none", "dns_chaos", "dns_no_recursion", "dns_recursion",
		"dns_nxdomain", "dns_nxdomain_wanted", "dns_servfail", "dns_silent", "dns_truncated", "dns_empty",
		"dns_all_match_empty", "dns_not_matches_empty", "dns_none_matches_empty",
	}
	for _, v := range dnsValidators {
		modules = append(modules, v.Module)
	}
	for _, module := range modules {
		cases = append(cases, oracleCase{name: module + " asked", module: module, target: l.dns})
	}
	return cases
}
