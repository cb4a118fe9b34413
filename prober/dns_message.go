package prober

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// errNotOurs marks a message that answers another question, or none.
var errNotOurs = errors.New("answer to another question")

// readAnswer reads the answer to a query, both in wire format. truncated reports
// that the server had more to say; the answer may then be nil, because some
// servers cut in the middle of a record.
func readAnswer(wire, query []byte) (answer *dns.Msg, truncated bool, err error) {
	const header, response, cut = 12, 0x80, 0x02 // size of the header, bits of its third byte
	if len(wire) < header {
		return nil, false, because(ReasonBody, fmt.Errorf("answer of %d bytes is not a DNS message", len(wire)))
	}
	if binary.BigEndian.Uint16(wire) != binary.BigEndian.Uint16(query) || wire[2]&response == 0 {
		return nil, false, because(ReasonBody, errNotOurs)
	}
	truncated = wire[2]&cut != 0
	answer = new(dns.Msg)
	if err := answer.Unpack(wire); err != nil {
		if truncated {
			return nil, true, nil
		}
		return nil, false, because(ReasonBody, fmt.Errorf("answer is not a DNS message: %s", strings.TrimPrefix(err.Error(), "dns: ")))
	}
	if announced, has := recordsAnnounced(wire), len(answer.Answer)+len(answer.Ns)+len(answer.Extra); announced != has && !truncated {
		return nil, false, because(ReasonBody, fmt.Errorf("answer is not a DNS message: it announces %d records and has %d", announced, has))
	}
	if !sameQuestion(answer.Question, query) {
		return nil, false, because(ReasonBody, errNotOurs)
	}
	return answer, truncated, nil
}

// recordsAnnounced is how many records a message has in all of its sections, as
// its header says.
func recordsAnnounced(wire []byte) int {
	const answers, authorities, additionals = 6, 8, 10
	return int(binary.BigEndian.Uint16(wire[answers:])) + int(binary.BigEndian.Uint16(wire[authorities:])) +
		int(binary.BigEndian.Uint16(wire[additionals:]))
}

// sameQuestion reports whether an answer repeats the question of a query. Servers
// that do not understand it omit it, and some change its case.
func sameQuestion(got []dns.Question, query []byte) bool {
	if len(got) == 0 {
		return true
	}
	var asked dns.Msg
	if err := asked.Unpack(query); err != nil || len(asked.Question) != 1 || len(got) != 1 {
		return false
	}
	want := asked.Question[0]
	return got[0].Qtype == want.Qtype && got[0].Qclass == want.Qclass && strings.EqualFold(got[0].Name, want.Name)
}
