// Package server is the HTTP surface: it parses requests, calls what does the
// work, and renders answers. All it remembers itself are the last ad-hoc
// probes (probelog), and who asks too often or by unknown names (access).
package server
