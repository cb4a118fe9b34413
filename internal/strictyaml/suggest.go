package strictyaml

import (
	"fmt"
	"reflect"
)

// suggestion names the key that was probably meant, or all that are allowed.
func suggestion(key string, fields map[string]reflect.Value) string {
	best, distance := "", 3
	for name := range fields {
		if n := editDistance(key, name); n < distance || n == distance && name < best {
			best, distance = name, n
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// editDistance is how many letters must be changed, added or left out to make b of a.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
