package names

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
