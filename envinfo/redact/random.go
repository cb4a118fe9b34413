package redact

import (
	"math"
	"strings"
)

// What counts as random: this many bytes at least, a digit among them, and this
// many bits of entropy per byte.
const (
	shortestRandom = 20
	leastEntropy   = 3.5
)

// randomPart finds the part of a word that looks like a key. The word is cut into
// pieces of letters and digits; those that read like words, numbers, versions,
// UUIDs or commits do not count, so that paths, host names and identifiers pass.
func randomPart(word string) (from, to int, ok bool) {
	var seen [256]uint16
	count, pieces, longest, shortest := 0, 0, 0, math.MaxInt
	digest := false
	for i := 0; i < len(word); {
		if !isAlnum(word[i]) {
			i++
			continue
		}
		end := skip(word, i, isAlnum)
		piece := word[i:end]
		start := i
		i = end
		switch {
		case isDigest(piece):
			digest = true
			continue
		case digest && (len(piece) == 64 && all(piece, isHex) || start > 0 && hasFold(word, "sha")):
			continue
		case !isRandom(piece):
			continue
		}
		if count == 0 {
			from = start
		}
		to = end
		pieces++
		count += len(piece)
		longest, shortest = max(longest, len(piece)), min(shortest, len(piece))
		for j := range len(piece) {
			seen[piece[j]] = min(seen[piece[j]], math.MaxUint16-1) + 1
		}
		if len(piece) >= 32 && all(piece, isHex) {
			return from, to, true // 128 bits or more, and no commit
		}
	}
	serial := pieces >= 4 && longest == shortest && longest >= 4
	if longest < 8 && !serial {
		return 0, 0, false
	}
	// What of both cases stands beside the random pieces, or between them, counts
	// with them: + and / of base64 cut where they like.
	a, b := widen(word, from, to, false)
	if b-a < shortestRandom || !has(word[a:b], isDigit) || entropy(&seen, count) < leastEntropy {
		return 0, 0, false
	}
	from, to = widen(word, from, to, true)
	return from, to, true
}

// widen adds the pieces beside a random part that may belong to it, though they
// read like words by chance: those of both cases and, if asked to, those that
// only a dash or the like sets off, as nothing in a path is.
func widen(word string, from, to int, dashes bool) (int, int) {
	belongs := func(by byte, piece string) bool {
		return dashes && (by == '-' || by == '_' || by == '+') || has(piece, isLower) && has(piece, isUpper)
	}
	for from > 1 && isAlnum(word[from-2]) {
		start := from - 2
		for start > 0 && isAlnum(word[start-1]) {
			start--
		}
		if !belongs(word[from-1], word[start:from-1]) {
			break
		}
		from = start
	}
	for to+1 < len(word) && isAlnum(word[to+1]) {
		end := skip(word, to+1, isAlnum)
		if !belongs(word[to], word[to+1:end]) {
			break
		}
		to = end
	}
	return from, to
}

// entropy is that of the distribution of the bytes, in bits per byte.
func entropy(seen *[256]uint16, count int) float64 {
	bits := 0.0
	for _, n := range seen {
		if n > 0 {
			p := float64(n) / float64(count)
			bits -= p * math.Log2(p)
		}
	}
	return bits
}

// isRandom reports whether a piece does not read like a word: in words and names in camel
// case, letters of one kind come in rows.
func isRandom(piece string) bool {
	letters, digits := has(piece, isLetter), has(piece, isDigit)
	switch {
	case !letters:
		return false
	case all(piece, isHex):
		return digits && len(piece) >= 32 && len(piece) != 40
	case !digits:
		return len(piece) >= 6 && 2*len(piece) < 5*rows(piece)
	}
	return len(piece) >= 4 && (len(piece) <= 5*rows(piece) || unspeakable(piece))
}

// unspeakable reports whether a piece of one case has more consonants in a row than words
// have.
func unspeakable(piece string) bool {
	if has(piece, isUpper) && has(piece, isLower) {
		return false
	}
	run := 0
	for i := range len(piece) {
		switch c := piece[i] | 0x20; {
		case !isLower(c), strings.IndexByte("aeiouy", c) >= 0:
			run = 0
		default:
			if run++; run >= 5 {
				return true
			}
		}
	}
	return false
}

// rows counts the rows of lower case, upper case and digits; a capital goes with
// the lower case after it.
func rows(piece string) int {
	n := 1
	for i := 1; i < len(piece); i++ {
		a, b := piece[i-1], piece[i]
		switch {
		case isDigit(a) != isDigit(b), isLower(a) && isUpper(b):
			n++
		}
	}
	return n
}

// isDigest reports whether a hash that is not a secret follows the word.
func isDigest(piece string) bool {
	switch strings.ToLower(piece) {
	case "sha1", "sha256", "sha384", "sha512", "md5", "docker", "containerd", "crio", "libpod", "overlay2", "containers":
		return true
	}
	return false
}

// isIdentifier reports whether values of the name are random, but identify something.
func isIdentifier(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{
		"trace", "span", "request", "correlation", "commit", "revision", "sha1", "sha256", "sha384", "sha512", "md5",
		"digest", "checksum", "etag", "fingerprint", "container", "image", "buildid", "build_id", "build-id",
	} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return name == "h1" || name == "hash" || name == "build id"
}

// nameBefore is the name whose value begins at i, if it has one.
func nameBefore(text string, i int) string {
	end := i
	for end > 0 && i-end < 8 && (isQuote(text[end-1]) || isBlank(text[end-1]) || strings.IndexByte(`=:\`, text[end-1]) >= 0) {
		end--
	}
	if end == i {
		return ""
	}
	from := end
	for from > 0 && end-from < 40 && isName(text[from-1]) {
		from--
	}
	return text[from:end]
}
