package names

import (
	"os"
	"path/filepath"
	"strings"
)

// Files are the files of a path that may be a pattern, as filepath.Glob finds them. What is
// there as it is written is that, whatever is in its name: directories, and the file.
func Files(pattern string) ([]string, error) { return filepath.Glob(Literal(pattern)) }

// Literal is the pattern of files in which all that is there as it is written is no pattern.
func Literal(pattern string) string {
	if !strings.ContainsAny(pattern, wildcards) {
		return pattern
	}
	for end := len(pattern); end > 0; end = strings.LastIndexByte(pattern[:end], filepath.Separator) {
		if _, err := os.Lstat(pattern[:end]); err == nil {
			return QuoteAll(pattern[:end]) + pattern[end:]
		}
	}
	return pattern
}

// QuoteAll is the pattern that matches just the path, also if that is no valid pattern.
func QuoteAll(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		if strings.IndexByte(wildcards, c) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}
