package prober

import (
	"context"
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
	FailIfMatches []dnsRegexp `yaml:"fail_if_matches_regexp"`
	// FailIfAllMatch fails unless every record matches every expression. That is
	// the opposite of its name, and what blackbox_exporter does; configurations
	// rely on it.
	FailIfAllMatch []dnsRegexp `yaml:"fail_if_all_match_regexp"`
	// FailIfAllMatches fails if there are records and each of them matches some
	// expression.
	FailIfAllMatches []dnsRegexp `yaml:"fail_if_all_matches_regexp"`
	// FailIfNotMatches fails if any record does not match one of the
	// expressions, or there are no records.
	FailIfNotMatches []dnsRegexp `yaml:"fail_if_not_matches_regexp"`
	// FailIfNoneMatches fails unless some record matches some expression.
	FailIfNoneMatches []dnsRegexp `yaml:"fail_if_none_matches_regexp"`

	// invalid is the first expression that does not compile. Probes fail if there is a
	// record to hold against it.
	invalid error
}

// dnsRegexp is a regular expression (RE2). One that is wrong is remembered:
// blackbox_exporter loads it, and notices when it is used first.
type dnsRegexp struct {
	Regexp
	text  string
	wrong error
}

// UnmarshalText compiles the expression.
func (r *dnsRegexp) UnmarshalText(text []byte) error {
	r.text = string(text)
	r.wrong = r.Regexp.UnmarshalText(text)
	return nil
}

// MarshalText is the expression's source.
func (r dnsRegexp) MarshalText() ([]byte, error) { return []byte(r.text), nil }

// complete finds the expressions that do not compile.
func (c *dnsRRConditions) complete(block string, warn func(path, format string, args ...any) error) {
	for _, list := range []struct {
		key         string
		expressions []dnsRegexp
	}{
		{"fail_if_matches_regexp", c.FailIfMatches},
		{"fail_if_all_match_regexp", c.FailIfAllMatch},
		{"fail_if_all_matches_regexp", c.FailIfAllMatches},
		{"fail_if_not_matches_regexp", c.FailIfNotMatches},
		{"fail_if_none_matches_regexp", c.FailIfNoneMatches},
	} {
		for i, r := range list.expressions {
			if r.wrong == nil {
				continue
			}
			err := warn(fmt.Sprintf("%s.%s[%d]", block, list.key, i), "%s", r.wrong)
			if c.invalid == nil {
				c.invalid = err
			}
		}
	}
}

func (c *dnsRRConditions) empty() bool {
	return len(c.FailIfMatches)+len(c.FailIfAllMatch)+len(c.FailIfAllMatches)+
		len(c.FailIfNotMatches)+len(c.FailIfNoneMatches) == 0
}

// check checks the records against the conditions. The error names the section.
func (c *dnsRRConditions) check(ctx context.Context, section string, records []dns.RR) error {
	switch {
	case c.empty():
		return nil
	case len(records) > 0 && c.invalid != nil:
		return c.invalid
	case len(records) == 0 && len(c.FailIfNotMatches)+len(c.FailIfNoneMatches) > 0:
		return fmt.Errorf("no %s records", section)
	}
	texts := make([]string, len(records))
	for i, rr := range records {
		texts[i] = rr.String()
	}
	for _, text := range texts {
		for _, each := range []struct {
			list    []dnsRegexp
			matches bool
			verb    string
		}{
			{c.FailIfMatches, true, "matches"}, {c.FailIfAllMatch, false, "does not match"}, {c.FailIfNotMatches, false, "does not match"},
		} {
			if r, ok, err := firstThat(ctx, each.matches, each.list, text); err != nil {
				return err
			} else if ok {
				return fmt.Errorf("%s record %s %s %q", section, recordText(text), each.verb, r)
			}
		}
	}
	n, err := countMatches(ctx, c.FailIfAllMatches, texts)
	if err != nil {
		return err
	}
	if n > 0 && n == len(texts) {
		return fmt.Errorf("all %d %s records match %s", n, section, quotedAll(c.FailIfAllMatches))
	}
	if len(c.FailIfNoneMatches) == 0 || len(texts) == 0 {
		return nil
	}
	if n, err = countMatches(ctx, c.FailIfNoneMatches, texts); err == nil && n == 0 {
		err = fmt.Errorf("none of %d %s records matches %s", len(texts), section, quotedAll(c.FailIfNoneMatches))
	}
	return err
}

// firstThat is the first expression that matches, or does not.
func firstThat(ctx context.Context, matches bool, list []dnsRegexp, text string) (expression string, ok bool, err error) {
	for _, r := range list {
		found, err := r.matches(ctx, []byte(text))
		if err != nil {
			return "", false, err
		}
		if found == matches {
			return r.text, true, nil
		}
	}
	return "", false, nil
}

// countMatches is how many of the texts match some expression.
func countMatches(ctx context.Context, list []dnsRegexp, texts []string) (n int, err error) {
	for _, text := range texts {
		_, ok, err := firstThat(ctx, true, list, text)
		if err != nil {
			return 0, err
		}
		if ok {
			n++
		}
	}
	return n, nil
}

// recordText is a record as an error shows it.
func recordText(text string) string {
	const limit = 120
	if text = oneLine(text); len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "…"
	}
	return strconv.Quote(text)
}

func quotedAll(list []dnsRegexp) string {
	texts := make([]string, len(list))
	for i, r := range list {
		texts[i] = strconv.Quote(r.text)
	}
	return strings.Join(texts, " or ")
}

// checkAnswer checks an answer against all conditions.
func (p *dnsProbe) checkAnswer(ctx context.Context, answer *dns.Msg) error {
	if p.useless.rcodes != nil {
		return p.useless.rcodes
	}
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
		if err := section.conditions.check(ctx, section.name, section.records); err != nil {
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
