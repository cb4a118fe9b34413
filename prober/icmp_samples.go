package prober

import "time"

// samples are the metrics of this probe.
func (r *icmpRun) samples() []Sample {
	s := make([]Sample, 0, 16)
	if r.looked {
		s = addressSamples(s, r.addr, r.lookup)
	}
	times := roundTripsOf(r.pings)
	for _, each := range []struct {
		phase string
		took  time.Duration
	}{{"resolve", r.resolved}, {"setup", r.setup}, {"rtt", times.avg}} {
		s = append(s, gauge("probe_icmp_duration_seconds", "Duration of icmp request by phase",
			each.took.Seconds(), Label{"phase", each.phase}))
	}
	if r.hopLimit >= 0 {
		s = append(s, gauge("probe_icmp_reply_hop_limit", "Replied packet hop limit (TTL for ipv4)", float64(r.hopLimit)))
	}
	if r.Count > 1 {
		s = r.statistics(s, times)
	}
	return s
}

// statistics are the metrics of several packets. What is not known, because
// nothing came back, is absent rather than 0.
func (r *icmpRun) statistics(s []Sample, times roundTrips) []Sample {
	sent, received := len(r.pings), r.received()
	s = append(s,
		gauge("probe_icmp_packets_sent", "Number of echo requests sent", float64(sent)),
		gauge("probe_icmp_packets_received", "Number of echo requests that were replied to", float64(received)))
	if sent > 0 {
		s = append(s, gauge("probe_icmp_loss_ratio", "Part of the echo requests that was not replied to", float64(sent-received)/float64(sent)))
	}
	if received > 0 {
		const help = "Round-trip time of the echo requests that were replied to"
		s = append(s,
			gauge("probe_icmp_rtt_seconds", help, times.min.Seconds(), Label{"type", "min"}),
			gauge("probe_icmp_rtt_seconds", help, times.avg.Seconds(), Label{"type", "avg"}),
			gauge("probe_icmp_rtt_seconds", help, times.max.Seconds(), Label{"type", "max"}))
	}
	if received > 1 {
		s = append(s, gauge("probe_icmp_jitter_seconds",
			"Mean difference between the round-trip times of successive replies", times.jitter.Seconds()))
	}
	return s
}

// roundTrips summarises the round-trip times of the packets that came back.
type roundTrips struct{ min, avg, max, jitter time.Duration }

func roundTripsOf(pings []ping) (t roundTrips) {
	var n int
	var sum, differences, previous time.Duration
	for _, p := range pings {
		if !p.received {
			continue
		}
		if n == 0 {
			t.min = p.rtt
		} else {
			differences += (p.rtt - previous).Abs()
		}
		t.min, t.max = min(t.min, p.rtt), max(t.max, p.rtt)
		sum, previous = sum+p.rtt, p.rtt
		n++
	}
	if n > 0 {
		t.avg = sum / time.Duration(n)
	}
	if n > 1 {
		t.jitter = differences / time.Duration(n-1)
	}
	return t
}
