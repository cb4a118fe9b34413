package scale

import (
	"os"
	"testing"

	"github.com/health-exporter/health_exporter/e2e/internal/harness"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }
