// Package config reads the configuration file: YAML in, a validated and
// immutable Config out, or all the faults of the file at once.
package config
