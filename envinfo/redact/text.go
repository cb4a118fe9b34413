package redact

import "strings"

// Mask stands where a secret was. It is the same for every secret, so it tells
// neither its length nor how it begins. Asterisks, because they mean the same in
// text, in JSON, in HTML and in a label, and need no escaping in any of them.
const Mask = "********"

// maxRounds bounds how often a text is looked through. Real texts need one round
// if there is no secret in it, two if there is.
const maxRounds = 6

// Text is the text without the secrets in it that can be recognised by their
// form or by the name before them: credentials in URLs and data source names,
// name=value with a name that Name knows, JSON and YAML of that kind,
// headers, flags, PEM blocks, tokens with a known prefix, and at last whatever
// looks as random as only a key does.
//
// A password alone, with neither name nor form, cannot be recognised by anybody.
// So keep values away by their names where there are names (see Value,
// Args, Log), and let Text be the net below.
//
// Redacting twice changes nothing more. The time is linear in the text's length,
// and a text without secrets is returned as it is.
func Text(text string) string {
	for range maxRounds {
		cleaned := redactOnce(text)
		if cleaned == text {
			return text
		}
		text = cleaned
	}
	// Each round found something new in what the round before had left. Nobody
	// but an attacker writes such a text; he gets none of it.
	return Mask
}

// redactOnce goes from what is certain to what is likely.
func redactOnce(text string) string {
	text = maskPEM(text)
	text = maskUserinfo(text)
	text = maskNamed(text)
	text = maskEncoded(text)
	return maskTokens(text)
}

// rewriter copies a text with some of its parts masked. As long as there is none,
// nothing is copied.
type rewriter struct {
	text string
	out  strings.Builder
	done int // up to here the text is written to out
}

// mask hides a part of the text; parts must come in order.
func (r *rewriter) mask(from, to int) {
	from = max(from, r.done)
	if from >= to || r.text[from:to] == Mask {
		return
	}
	if r.out.Len() == 0 {
		r.out.Grow(len(r.text) + len(Mask))
	}
	if from > r.done || r.out.Len() == 0 {
		r.out.WriteString(r.text[r.done:from])
		r.out.WriteString(Mask)
	} // else it goes on from the part before, whose mask will do
	r.done = to
}

// result is the text as it is now.
func (r *rewriter) result() string {
	if r.out.Len() == 0 {
		return r.text
	}
	r.out.WriteString(r.text[r.done:])
	return r.out.String()
}

// maskPEM hides what is between BEGIN and END, of keys and certificates alike. A
// block that was cut before its END goes to the end of the text.
func maskPEM(text string) string {
	const begin, end = "BEGIN ", "END "
	const longestLabel = 80
	r := rewriter{text: text}
	for at := 0; ; {
		i := strings.Index(text[at:], begin)
		if i < 0 {
			return r.result()
		}
		at += i + len(begin)
		if !afterDashes(text, at-len(begin)) {
			continue
		}
		label := text[at:min(len(text), at+longestLabel)]
		dashes := strings.Index(label, "--")
		if dashes < 0 {
			continue
		}
		body := at + dashes
		for body < len(text) && text[body] == '-' {
			body++
		}
		to := len(text)
		for next := body; ; {
			j := strings.Index(text[next:], end)
			if j < 0 {
				break
			}
			next += j + len(end)
			if afterDashes(text, next-len(end)) {
				to = startOfDashes(text, body, next-len(end))
				break
			}
		}
		r.mask(body, to)
		at = to
	}
}

// afterDashes reports whether dashes stand before i, as in -----BEGIN and ---- BEGIN.
func afterDashes(text string, i int) bool {
	before := strings.TrimSuffix(text[:i], " ")
	return strings.HasSuffix(before, "--")
}

func startOfDashes(text string, from, i int) int {
	if i > from && text[i-1] == ' ' {
		i--
	}
	for i > from && text[i-1] == '-' {
		i--
	}
	return i
}
