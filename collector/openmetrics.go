package collector

import "strings"

// openMetricsHead appends what stands before the series of a family in
// OpenMetrics 1.0, where the family of a counter or an info goes by its name
// without the suffix.
func openMetricsHead(b []byte, f *family) []byte {
	name, kind := f.name, "gauge"
	switch f.kind {
	case counter:
		name, kind = strings.TrimSuffix(name, "_total"), "counter"
	case info:
		name, kind = strings.TrimSuffix(name, "_info"), "info"
	}
	b = appendHead(b, name, f.help, kind)
	if f.unit == "" {
		return b
	}
	b = append(b, "# UNIT "...)
	b = append(b, name...)
	b = append(b, ' ')
	b = append(b, f.unit...)
	return append(b, '\n')
}
