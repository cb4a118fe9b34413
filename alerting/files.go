package alerting

import (
	"embed"
	"io/fs"
)

//go:embed dashboards/*.json rules/*.yml templates/*.tmpl
var embedded embed.FS

// Files returns the shipped files: rules/*.yml (rules for Prometheus and their
// unit tests), templates/*.tmpl (for Alertmanager) and dashboards/*.json (for Grafana).
func Files() fs.FS { return embedded }
