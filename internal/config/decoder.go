package config

import (
	"fmt"

	"github.com/health-exporter/health_exporter/internal/strictyaml"
)

// decoder decodes the sections of the file; what needs to know the configuration, and
// not only its types, are its methods.
type decoder struct {
	strictyaml.Decoder

	userAgent string // of modules; empty for the usual one

	warnings []strictyaml.Fault // what is read otherwise than it is written
}

func newDecoder(faults *strictyaml.Faults) *decoder {
	return &decoder{Decoder: strictyaml.Decoder{Faults: faults}}
}

// warn notes what is most likely a mistake, but can be put in force.
func (d *decoder) warn(line int, path, format string, args ...any) {
	d.warnings = append(d.warnings, strictyaml.Fault{Line: line, Path: path, Detail: fmt.Sprintf(format, args...)})
}
