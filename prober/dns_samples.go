package prober

import (
	"time"

	"github.com/miekg/dns"
)

// samples are the metrics of this probe.
func (r *dnsRun) samples() []Sample {
	s := make([]Sample, 0, 16)
	if r.looked {
		s = addressSamples(s, r.at.addr, r.at.took)
	}
	var answers, authorities, additionals int
	if r.answer != nil {
		answers, authorities, additionals = len(r.answer.Answer), len(r.answer.Ns), len(r.answer.Extra)
	}
	s = append(s,
		gauge("probe_dns_answer_rrs", "Returns number of entries in the answer resource record list", float64(answers)),
		gauge("probe_dns_authority_rrs", "Returns number of entries in the authority resource record list", float64(authorities)),
		gauge("probe_dns_additional_rrs", "Returns number of entries in the additional resource record list", float64(additionals)),
		gauge("probe_dns_query_succeeded", "Displays whether or not the query was executed successfully", boolValue(r.answer != nil)),
	)
	for _, each := range []struct {
		phase string
		took  time.Duration
	}{{"resolve", r.resolved}, {"connect", r.connect}, {"request", r.request}} {
		s = append(s, gauge("probe_dns_duration_seconds", "Duration of DNS request by phase",
			each.took.Seconds(), Label{"phase", each.phase}))
	}
	if r.wantsSOA && r.answer != nil {
		s = append(s, gauge("probe_dns_serial", "Returns the serial number of the zone", zoneSerial(r.answer)))
	}
	if r.tls != nil && r.TransportProtocol == dnsHTTPS {
		s = tlsSamples(s, r.tls, false)
	}
	return s
}

// zoneSerial is the serial number of the last SOA record of an answer; 0 if
// there is none.
func zoneSerial(answer *dns.Msg) (serial float64) {
	for _, rr := range answer.Answer {
		if soa, ok := rr.(*dns.SOA); ok {
			serial = float64(soa.Serial)
		}
	}
	return serial
}
