package prober

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// dnsRRConditions are conditions on the records of one section of an answer,
// each in its presentation format: name, TTL, class, type and data, with tabs.
// Expressions are not anchored.
type dnsRRConditions struct {
	// FailIfMatches fails if any record matches any expression.
	FailIfMatches []Regexp `yaml:"fail_if_matches_regexp"`
	// FailIfAllMatch fails unless every record matches every expression. That is
	// the opposite of its name, and what blackbox_exporter does; configurations
	// rely on it.
	FailIfAllMatch []Regexp `yaml:"fail_if_all_match_regexp"`
	// FailIfAllMatches fails if there are records and each of them matches some
	// expression.
	FailIfAllMatches []Regexp `yaml:"fail_if_all_matches_regexp"`
	// FailIfNotMatches fails if any record does not match one of the
	// expressions, or there are no records.
	FailIfNotMatches []Regexp `yaml:"fail_if_not_matches_regexp"`
	// FailIfNoneMatches fails unless some record matches some expression.
	FailIfNoneMatches []Regexp `yaml:"fail_if_none_matches_regexp"`
}

func (c *dnsRRConditions) empty() bool {
	return len(c.FailIfMatches)+len(c.FailIfAllMatch)+len(c.FailIfAllMatches)+
		len(c.FailIfNotMatches)+len(c.FailIfNoneMatches) == 0
}

// check holds the records against the conditions. The error names the section.
func (c *dnsRRConditions) check(section string, records []dns.RR) error {
	if c.empty() {
		return nil
	}
	texts := make([]string, len(records))
	for i, rr := range records {
		texts[i] = rr.String()
	}
	for _, text := range texts {
		if r, ok := firstMatch(c.FailIfMatches, text); ok {
			return fmt.Errorf("%s record %s matches %q", section, recordText(text), r)
		}
	}
	for _, text := range texts {
		if r, ok := firstMiss(c.FailIfAllMatch, text); ok {
			return fmt.Errorf("%s record %s does not match %q", section, recordText(text), r)
		}
	}
	if n := countMatches(c.FailIfAllMatches, texts); n > 0 && n == len(texts) {
		return fmt.Errorf("all %d %s records match %s", len(texts), section, quotedAll(c.FailIfAllMatches))
	}
	if len(c.FailIfNotMatches) > 0 && len(texts) == 0 {
		return fmt.Errorf("no %s records", section)
	}
	for _, text := range texts {
		if r, ok := firstMiss(c.FailIfNotMatches, text); ok {
			return fmt.Errorf("%s record %s does not match %q", section, recordText(text), r)
		}
	}
	if len(c.FailIfNoneMatches) > 0 && countMatches(c.FailIfNoneMatches, texts) == 0 {
		return fmt.Errorf("none of %d %s records matches %s", len(texts), section, quotedAll(c.FailIfNoneMatches))
	}
	return nil
}

// firstMatch is the first expression that matches.
func firstMatch(any []Regexp, text string) (Regexp, bool) {
	for _, r := range any {
		if r.MatchString(text) {
			return r, true
		}
	}
	return Regexp{}, false
}

// firstMiss is the first expression that does not match.
func firstMiss(all []Regexp, text string) (Regexp, bool) {
	for _, r := range all {
		if !r.MatchString(text) {
			return r, true
		}
	}
	return Regexp{}, false
}

// countMatches is how many of the texts match some expression.
func countMatches(any []Regexp, texts []string) (n int) {
	for _, text := range texts {
		if _, ok := firstMatch(any, text); ok {
			n++
		}
	}
	return n
}

// recordText is a record as an error shows it.
func recordText(text string) string {
	const limit = 120
	if text = oneLine(text); len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "…"
	}
	return strconv.Quote(text)
}

func quotedAll(list []Regexp) string {
	texts := make([]string, len(list))
	for i, r := range list {
		texts[i] = strconv.Quote(r.String())
	}
	return strings.Join(texts, " or ")
}

// checkAnswer holds an answer against all conditions.
func (p *dnsProbe) checkAnswer(answer *dns.Msg) error {
	if !slices.Contains(p.rcodes, answer.Rcode) {
		names := make([]string, len(p.rcodes))
		for i, code := range p.rcodes {
			names[i] = rcodeName(code)
		}
		return because(ReasonStatus, fmt.Errorf("answer %s, want %s", rcodeName(answer.Rcode), strings.Join(names, " or ")))
	}
	for _, section := range []struct {
		name       string
		conditions *dnsRRConditions
		records    []dns.RR
	}{
		{"answer", &p.ValidateAnswer, answer.Answer},
		{"authority", &p.ValidateAuthority, answer.Ns},
		{"additional", &p.ValidateAdditional, answer.Extra},
	} {
		if err := section.conditions.check(section.name, section.records); err != nil {
			return because(ReasonBody, err)
		}
	}
	return nil
}

func rcodeName(code int) string {
	if name, ok := dns.RcodeToString[code]; ok {
		return name
	}
	return "RCODE" + strconv.Itoa(code)
}

// errNotOurs marks a datagram that answers somebody else's question, or none.
var errNotOurs = errors.New("answer to another question")

// readAnswer reads the answer to the query with this ID. truncated tells that
// the server had more to say; the answer may then be nil.
func readAnswer(wire []byte, id uint16) (answer *dns.Msg, truncated bool, err error) {
	const header, response, cut = 12, 0x80, 0x02 // size of the header, bits of its third byte
	if len(wire) < header {
		return nil, false, because(ReasonBody, fmt.Errorf("answer of %d bytes is no DNS message", len(wire)))
	}
	if uint16(wire[0])<<8|uint16(wire[1]) != id || wire[2]&response == 0 {
		return nil, false, because(ReasonBody, errNotOurs)
	}
	truncated = wire[2]&cut != 0
	answer = new(dns.Msg)
	if err := answer.Unpack(wire); err != nil {
		if truncated { // some servers cut in the middle of a record
			return nil, true, nil
		}
		return nil, false, because(ReasonBody, fmt.Errorf("answer is no DNS message: %s", strings.TrimPrefix(err.Error(), "dns: ")))
	}
	return answer, truncated, nil
}
