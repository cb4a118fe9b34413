// Package server is the HTTP surface: it parses requests, calls what does the
// work, and renders answers. It keeps no state of its own.
package server
