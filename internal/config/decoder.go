package config

import "github.com/health-exporter/health_exporter/internal/strictyaml"

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
