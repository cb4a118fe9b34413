package discovery

import (
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/file"

	"github.com/health-exporter/health_exporter/internal/names"
)

// literally is the configuration in whose files a path is that path, whatever is in it.
// Prometheus' code takes each for a pattern, and would never find lan[1].yml.
func literally(c discovery.Config) discovery.Config {
	files, ok := c.(*file.SDConfig)
	if !ok {
		return c
	}
	quoted := *files
	quoted.Files = nil
	for _, pattern := range files.Files {
		matches, err := filepath.Match(pattern, pattern)
		if !matches {
			quoted.Files = append(quoted.Files, names.QuoteAll(pattern))
		}
		if err != nil {
			continue
		}
		directory, base := filepath.Split(pattern)
		literal := names.Literal(directory)
		quoted.Files = append(quoted.Files, literal+base)
		if literal != directory {
			quoted.Files = append(quoted.Files, pattern) // its directory is what is to be watched
		}
	}
	return &quoted
}

// quotedDirectory reports whether it is complained that a directory cannot be watched
// whose name is quoted: under its own name it is.
func quotedDirectory(r slog.Record) bool {
	quoted := false
	r.Attrs(func(a slog.Attr) bool {
		quoted = a.Key == "path" && strings.Contains(a.Value.String(), `\`)
		return !quoted
	})
	return quoted && r.Message == "Error adding file watch"
}

// meant reports whether a file is one of those that the paths name: what is there as it is
// written is that file, and no others are that fit it as a pattern.
func meant(patterns []string, path string) bool {
	for _, pattern := range patterns {
		if ok, err := filepath.Match(names.Literal(pattern), path); ok && err == nil {
			return true
		}
	}
	return false
}
