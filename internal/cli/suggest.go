package cli

import (
	"fmt"
	"strings"
)

// didYouMean is "; did you mean …?" if one of the names is much like the wrong one,
// or tells how to see what there is.
func didYouMean(wrong string, names []string) string {
	best, least := "", len([]rune(wrong))/3+2
	for _, name := range names {
		d := distance(strings.ToLower(wrong), strings.ToLower(name))
		if d < least {
			best, least = name, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("; did you mean %q?", best)
	case len(names) == 0:
		return ""
	}
	return "; `health_exporter targets list` shows what there is"
}

// distance is how many characters must be added, removed or changed to make one
// text of the other.
func distance(a, b string) int {
	from, to := []rune(a), []rune(b)
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
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(to)]
}
