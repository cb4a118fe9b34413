package alerting

import (
	"slices"
	"strings"

	"github.com/health-exporter/health_exporter/internal/names"
)

// patterns are names and patterns of windows, such that few need be tried for one name.
type patterns struct {
	names map[string][]int // the windows that have one
	wild  bool
	// by what a name must begin with, and those that begin with a wildcard by what it
	// must end with; and the lengths of both.
	heads, tails             map[string][]pattern
	headLengths, tailLengths []int
}

func (p *patterns) add(window int, list []string) {
	if p.names == nil {
		p.names, p.heads, p.tails = map[string][]int{}, map[string][]pattern{}, map[string][]pattern{}
	}
	for _, text := range list {
		if slices.Contains(p.names[text], window) {
			continue
		}
		p.names[text] = append(p.names[text], window) // a name is a name, whatever is in it
		first := strings.IndexAny(text, wildcards)
		if first < 0 {
			continue
		}
		p.wild = true
		if first > 0 {
			insert(p.heads, &p.headLengths, text[:first], pattern{text, longestPiece(text), window})
			continue
		}
		tail := text[strings.LastIndexAny(text, wildcards)+1:]
		if strings.ContainsAny(text, `\[`) {
			tail = "" // what is behind a bracket may be within it
		}
		insert(p.tails, &p.tailLengths, tail, pattern{text, longestPiece(text), window})
	}
}

// wildcards are the bytes that make a pattern of a name, as path.Match has them.
const wildcards = `*?[\`

func insert(into map[string][]pattern, lengths *[]int, part string, each pattern) {
	into[part] = append(into[part], each)
	if !slices.Contains(*lengths, len(part)) {
		*lengths = append(*lengths, len(part))
	}
}

// match adds the windows that have the name, or a pattern that it fits.
func (p *patterns) match(name string, to bits) {
	for _, window := range p.names[name] {
		to.set(window)
	}
	for _, n := range p.headLengths {
		if n <= len(name) {
			matchEach(p.heads[name[:n]], name, to)
		}
	}
	for _, n := range p.tailLengths {
		if n <= len(name) {
			matchEach(p.tails[name[len(name)-n:]], name, to)
		}
	}
}

// pattern is one with a wildcard.
type pattern struct {
	text string
	// piece is in each name that fits: to look for it is many times faster.
	piece  string
	window int
}

// longestPiece is the longest part of a pattern that stands for itself.
func longestPiece(text string) (longest string) {
	if strings.ContainsAny(text, `\[`) {
		return ""
	}
	for piece := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '*' || r == '?' }) {
		if len(piece) > len(longest) {
			longest = piece
		}
	}
	return longest
}

func matchEach(list []pattern, name string, to bits) {
	for i := range list {
		p := &list[i]
		if !to.has(p.window) && strings.Contains(name, p.piece) && names.Match(p.text, name) {
			to.set(p.window)
		}
	}
}
