package docs_test

import (
	"testing"

	"github.com/health-exporter/health_exporter/internal/config"
)

func TestPublicOfThePage(t *testing.T) {
	cfg, err := config.Load(saved(t, "health_exporter.yml", codeBlocks(t, "status-page.md", "yaml")[0]))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Public == nil || !cfg.Public.Shows(false, "api-1", "") || !cfg.Public.Shows(true, "database", "") {
		t.Errorf("%+v", cfg.Public)
	}
}
