// Package server is the HTTP surface: it parses requests, calls what does the
// work, and renders answers. All it remembers itself is the last ad-hoc probes.
package server
