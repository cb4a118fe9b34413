package config

import "github.com/health-exporter/health_exporter/internal/strictyaml"

// decoder decodes the sections of the file; what needs to know the configuration, and
// not only its types, are its methods.
type decoder struct {
	strictyaml.Decoder
}

func newDecoder(faults *strictyaml.Faults) *decoder {
	return &decoder{strictyaml.Decoder{Faults: faults}}
}
