package cli

import "github.com/health-exporter/health_exporter/internal/names"

// didYouMean is "; did you mean …?" if one of the names is much like the wrong one,
// or says how to list what there is.
func didYouMean(wrong string, known []string) string {
	meant := names.DidYouMean(wrong, known)
	if meant == "" && len(known) > 0 {
		return "; `health_exporter targets list` shows what there is"
	}
	return meant
}
