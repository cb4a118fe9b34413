package names

import (
	"fmt"
	"slices"
	"strings"
)

// DidYouMean is "; did you mean …?" with the name that was probably meant by a wrong one, in
// whatever case; empty if none is much like it. Of names that are equally near it is the
// first of the alphabet.
func DidYouMean(wrong string, names []string) string {
	inOrder := slices.Sorted(slices.Values(names))
	lower := make([]string, len(inOrder))
	for i, name := range inOrder {
		lower[i] = strings.ToLower(name)
	}
	near := Nearest(strings.ToLower(wrong), lower)
	if near == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", inOrder[slices.Index(lower, near)])
}

// Nearest is the name that was probably meant by a wrong one; empty if none is much like it.
// Of names that are equally near the first counts.
func Nearest(wrong string, names []string) string {
	best, least := "", len([]rune(wrong))/3+2
	for _, name := range names {
		if d := distance([]rune(wrong), []rune(name)); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is how many characters must be added, removed or changed to make one text of
// the other.
func distance(from, to []rune) int {
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range from {
		diagonal := row[0]
		row[0] = i + 1
		for j := range to {
			cost := diagonal
			if from[i] != to[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
		}
	}
	return row[len(to)]
}
