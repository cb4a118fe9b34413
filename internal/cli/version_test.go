package cli

import (
	"regexp"
	"testing"
)

func TestVersionText(t *testing.T) {
	text := VersionText("health_exporter")
	if !regexp.MustCompile(`^health_exporter, version \S+ \(branch: .*, revision: \S+\)\n  build user: .*\n  build date: .*\n  go version: +go\S+\n  platform: +\S+/\S+\n  tags: .*$`).MatchString(text) {
		t.Errorf("%s", text)
	}
}
