// Package config reads the configuration file: YAML in, a validated and immutable Config
// out, or all the faults of the file at once. It knows what may be written and what is
// meant by it; how YAML becomes values is strictyaml's.
package config
