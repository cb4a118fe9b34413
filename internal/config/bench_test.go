package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkLoad loads a file with so many targets.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint("targets=", n), func(b *testing.B) {
			var text strings.Builder
			text.WriteString("targets:\n")
			for i := range n {
				fmt.Fprintf(&text, "  - {app: t%06d, url: 'http://127.1.%d.%d:23080/', interval: 60s}\n", i, i>>8&255, i&255)
			}
			dir := b.TempDir()
			written(b, dir, "a.yml", text.String())
			b.ReportAllocs()
			for b.Loop() {
				if c, err := Load(filepath.Join(dir, "a.yml")); err != nil || len(c.Targets) != n {
					b.Fatal(err)
				}
			}
		})
	}
}
