// Package scale measures the whole program with very many targets: make bench-scale. It
// has nothing but tests.
package scale
