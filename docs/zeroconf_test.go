package docs_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/health-exporter/health_exporter/collector"
	"github.com/health-exporter/health_exporter/internal/selfmetrics"
	"github.com/health-exporter/health_exporter/internal/zeroconf"
)

// TestZeroconfDocNamesEverything: the page has all metrics and reasons, and no metric
// that does not exist.
func TestZeroconfDocNamesEverything(t *testing.T) {
	raw, err := os.ReadFile("zeroconf.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	known := 0
	for _, name := range selfmetrics.Names() {
		if strings.HasPrefix(name, "health_zeroconf_") {
			if known++; !strings.Contains(page, "`"+name) {
				t.Errorf("%s is not described", name)
			}
		}
	}
	if known == 0 {
		t.Error("there are no metrics of multicast DNS")
	}
	for _, name := range regexp.MustCompile(`\bhealth_[a-z_]+`).FindAllString(page, -1) {
		if name != "health_exporter" && !slices.Contains(slices.Concat(collector.Names(), selfmetrics.Names()), name) {
			t.Errorf("%s does not exist", name)
		}
	}
	for _, reason := range zeroconf.Reasons() {
		if !strings.Contains(page, "`"+reason+"`") {
			t.Errorf("the reason %s is not described", reason)
		}
	}
}
