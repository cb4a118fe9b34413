package prober

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/miekg/dns"
)

// fuzzQuery is the query that fuzzed messages answer.
func fuzzQuery(t testing.TB) []byte {
	t.Helper()
	p := newDNSProbe().(*dnsProbe)
	p.QueryName = "example.org"
	if err := p.validate(); err != nil {
		t.Fatal(err)
	}
	return p.query
}

// FuzzDNSAnswer: whatever a server sends is refused, or is the answer to our
// question whose records all have a text to hold against conditions.
func FuzzDNSAnswer(f *testing.F) {
	query := fuzzQuery(f)
	for _, change := range []func(m *dns.Msg){
		nil, func(m *dns.Msg) { m.Truncated = true }, func(m *dns.Msg) { m.Question = nil }, func(m *dns.Msg) { m.SetEdns0(1232, true) },
		func(m *dns.Msg) {
			m.Answer = append(m.Answer, rr(f, "a. 1 IN SOA b. c. 1 2 3 4 5"), rr(f, `a. 1 IN CAA 0 issue "x"`))
		},
	} {
		wire := answerTo(f, query, change)
		f.Add(wire)
		f.Add(wire[:len(wire)-3])
	}
	expressions := []dnsRegexp{{}, {}}
	for i, text := range []string{"192", "(?i)^a"} {
		if err := expressions[i].UnmarshalText([]byte(text)); err != nil {
			f.Fatal(err)
		}
	}
	conditions := dnsRRConditions{FailIfAllMatches: expressions, FailIfNoneMatches: expressions}
	f.Fuzz(func(t *testing.T, wire []byte) {
		answer, truncated, err := readAnswer(wire, query)
		switch {
		case err != nil:
			if answer != nil || classify(err) != ReasonBody {
				t.Errorf("%v with answer %v", err, answer)
			}
		case answer == nil:
			if !truncated {
				t.Error("neither an answer nor an error")
			}
		default:
			if answer.Id != binary.BigEndian.Uint16(query) || !answer.Response || answer.Truncated != truncated {
				t.Errorf("accepted %v", answer)
			}
			for _, section := range [][]dns.RR{answer.Answer, answer.Ns, answer.Extra} {
				if err := conditions.check(t.Context(), "any", section); err == nil && len(section) == 0 {
					t.Error("no records, but one was needed")
				}
			}
			zoneSerial(answer)
		}
	})
}

// FuzzDNSBody: the body of an answer over HTTPS is bounded, and then read as any
// other answer.
func FuzzDNSBody(f *testing.F) {
	query := fuzzQuery(f)
	f.Add(answerTo(f, query, nil), 0)
	f.Add([]byte{}, maxDNSMessage)
	f.Add([]byte("<html>"), maxDNSMessage-5)
	f.Fuzz(func(t *testing.T, body []byte, padding int) {
		if padding < 0 || padding > maxDNSMessage+10 {
			return
		}
		body = append(body, make([]byte, padding)...)
		wire, err := readDNSBody(bytes.NewReader(body))
		if tooLarge := len(body) > maxDNSMessage; tooLarge != (err != nil) {
			t.Fatalf("%d bytes: %v", len(body), err)
		} else if tooLarge {
			return
		}
		if !bytes.Equal(wire, body) {
			t.Error("the body has changed")
		}
		if answer, truncated, err := readAnswer(wire, query); err == nil && answer == nil && !truncated {
			t.Error("neither an answer nor an error")
		}
	})
}
