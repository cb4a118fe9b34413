// Package strictyaml decodes YAML strictly: unknown keys and keys given twice are
// faults, and all faults of a file are listed at once, each with its line and the
// path of its key. It knows no key of its own: the types that it fills say what may be
// written.
package strictyaml
