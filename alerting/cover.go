package alerting

import (
	"slices"
	"strings"
	"sync"

	"github.com/health-exporter/health_exporter/internal/names"
)

// Cover is what some windows cover together. To ask it costs the same however many
// windows there are, as long as they name names; patterns are looked at once for each
// name.
type Cover struct {
	windows         Windows
	all             bool
	targets, groups patterns

	mu    sync.Mutex
	known map[string]bool // the answers of patterns, by name and group
}

// maxKnown bounds how many answers are remembered.
const maxKnown = 200_000

// NewCover makes the cover of windows, whether they are open or not.
func NewCover(list Windows) *Cover {
	c := &Cover{windows: list, known: map[string]bool{}}
	for i := range list {
		w := &list[i]
		c.all = c.all || len(w.Targets) == 0 && len(w.Groups) == 0
		c.targets.add(w.Targets)
		c.groups.add(w.Groups)
	}
	return c
}

// Same reports whether it is the cover of these windows.
func (c *Cover) Same(list Windows) bool {
	return slices.EqualFunc(c.windows, list, func(a, b Window) bool {
		return slices.Equal(a.Targets, b.Targets) && slices.Equal(a.Groups, b.Groups)
	})
}

// Has reports whether the subject of that name and group is covered.
func (c *Cover) Has(name, group string) bool {
	if c.all || c.targets.names[name] || group != "" && c.groups.names[group] {
		return true
	}
	if !c.targets.wild && !(c.groups.wild && group != "") {
		return false
	}
	key := name + "\x00" + group
	c.mu.Lock()
	defer c.mu.Unlock()
	covered, known := c.known[key]
	if !known {
		covered = c.targets.match(name) || group != "" && c.groups.match(group)
		if len(c.known) >= maxKnown {
			clear(c.known)
		}
		c.known[key] = covered
	}
	return covered
}

// patterns are names and patterns, such that few need be tried for one name.
type patterns struct {
	names map[string]bool
	wild  bool
	// by what a name must begin with, and those that begin with a wildcard by what it
	// must end with; and the lengths of both.
	heads, tails             map[string][]pattern
	headLengths, tailLengths []int
}

func (p *patterns) add(list []string) {
	if p.names == nil {
		p.names, p.heads, p.tails = map[string]bool{}, map[string][]pattern{}, map[string][]pattern{}
	}
	for _, text := range list {
		if p.names[text] {
			continue
		}
		p.names[text] = true // a name is a name, whatever is in it
		first := strings.IndexAny(text, wildcards)
		if first < 0 {
			continue
		}
		p.wild = true
		if first > 0 {
			insert(p.heads, &p.headLengths, text[:first], text)
			continue
		}
		tail := text[strings.LastIndexAny(text, wildcards)+1:]
		if strings.ContainsAny(text, `\[`) {
			tail = "" // what is behind a bracket may be within it
		}
		insert(p.tails, &p.tailLengths, tail, text)
	}
}

// wildcards are the bytes that make a pattern of a name, as path.Match has them.
const wildcards = `*?[\`

func insert(into map[string][]pattern, lengths *[]int, part, text string) {
	into[part] = append(into[part], pattern{text, longestPiece(text)})
	if !slices.Contains(*lengths, len(part)) {
		*lengths = append(*lengths, len(part))
	}
}

func (p *patterns) match(name string) bool {
	for _, n := range p.headLengths {
		if n <= len(name) && anyFits(p.heads[name[:n]], name) {
			return true
		}
	}
	for _, n := range p.tailLengths {
		if n <= len(name) && anyFits(p.tails[name[len(name)-n:]], name) {
			return true
		}
	}
	return false
}

// pattern is one with a wildcard.
type pattern struct {
	text string
	// piece is in each name that fits: to look for it is many times faster.
	piece string
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

func anyFits(list []pattern, name string) bool {
	for i := range list {
		if strings.Contains(name, list[i].piece) && names.Match(list[i].text, name) {
			return true
		}
	}
	return false
}
